"""What must be true once everything that could fail has failed: nothing lost, nothing twice, and the ledger equal to the effects."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from served import command
from sqlalchemy import Connection, func, select, text
from town import PEOPLE, Town

from gdbos.bus.grant import bus_grant
from gdbos.bus.outbox import delivery
from gdbos.bus.record import bus_call
from gdbos.bus.service import bus_service
from gdbos.ledger.leaf import AUDIT, CALLS
from gdbos.ledger.tables import leaf, pending
from gdbos_services.cases.tables import case


def settled(town: Town) -> None:
    """Wait until the restarted node has delivered every event that is due."""
    late = select(func.count()).select_from(delivery).where(delivery.c.state == "pending")
    until = time.monotonic() + 30
    waiting = -1
    while waiting and time.monotonic() < until:
        time.sleep(0.1)
        with town.looking() as connection:
            waiting = connection.execute(late.where(delivery.c.due_at <= datetime.now(UTC))).scalar_one()
    assert waiting == 0


def _services(town: Town, http: httpx.Client) -> set[str]:
    listed = http.get("/api/bus/services", headers=town.bearer(http, "guard")).json()["services"]
    return {one["code"] for one in listed}


def seen_over_http(town: Town) -> None:
    """Every applicant finds what they handed in, in the state they were told; who waited for long has to log in again."""
    town.tokens.clear()
    with town.client() as http:
        until = time.monotonic() + 3  # the last one may have been registered on another worker a moment ago
        while missing := set(town.told.services) - _services(town, http):
            assert time.monotonic() < until, missing
            time.sleep(0.2)
        for made, number in list(town.told.submitted.items())[-5:]:
            found = [http.get(f"/api/services/cases/{made}", headers=town.bearer(http, who)) for who in PEOPLE]
            mine = [answer.json() for answer in found if answer.status_code == 200]
            assert [one["number"] for one in mine] == [number]


def in_the_database(town: Town) -> None:
    with town.looking() as connection:
        grants = Counter(str(one) for one in connection.execute(select(bus_grant.c.id)).scalars())
        codes = Counter(connection.execute(select(bus_service.c.code)).scalars())
        calls = Counter(str(one) for one in connection.execute(select(bus_call.c.id)).scalars())
        for what, told, found in (
            ("grants", town.told.grants, grants),
            ("services", town.told.services, codes),
            ("calls", town.told.calls, calls),
        ):
            wrong = {one: found[one] for one in told if found[one] != 1}
            assert told and not wrong, f"{what} acknowledged {len(told)}, held {len(found)}, not once: {wrong}"
        states = dict(connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state)).all())
        assert set(states) <= {"done", "pending"}, states
        cases_once(town, connection)


def cases_once(town: Town, connection: Connection) -> None:
    rows = connection.execute(select(case.c.id, case.c.number)).all()
    numbers = Counter(row.number for row in rows if row.number)
    assert set(numbers.values()) == {1}
    assert set(town.told.submitted.values()) <= set(numbers)
    assert set(town.told.drafts) <= {str(row.id) for row in rows}
    watched = connection.execute(text("SELECT number FROM oversight_case")).scalars().all()
    assert sorted(watched) == sorted(set(watched))


def in_the_ledger(town: Town) -> None:
    """Verified from files alone, and a record for every effect, no more and no less."""
    ran = command(town.made.path, "ledger", "verify", str(town.made.settings.home), "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with town.looking() as connection:
        assert connection.execute(select(func.count()).select_from(pending)).scalar_one() == 0
        audit = records(connection, AUDIT)
        asked = Counter(one["facts"]["grant"] for one in audit if one["act"] == "grant.ask")
        granted = Counter(str(one) for one in connection.execute(select(bus_grant.c.id)).scalars())
        assert asked == granted
        registered = Counter(one["facts"]["service"] for one in audit if one["act"] == "service.register")
        assert registered == Counter(connection.execute(select(bus_service.c.code)).scalars())
        cases = connection.execute(select(case.c.id, case.c.number)).all()
        drafted = Counter(one["facts"]["case"] for one in audit if one["act"] == "case.draft")
        assert drafted == Counter(str(row.id) for row in cases)
        submitted = Counter(
            (one["facts"]["case"], one["facts"]["number"]) for one in audit if one["act"] == "case.submit"
        )
        assert submitted == Counter((str(row.id), row.number) for row in cases if row.number)
        logged = Counter(one["call_id"] for one in records(connection, CALLS))
        assert logged == Counter(str(one) for one in connection.execute(select(bus_call.c.id)).scalars())


def records(connection: Connection, log: str) -> list[dict[str, Any]]:
    found = connection.execute(select(leaf.c.leaf).where(leaf.c.log == log)).scalars()
    return [msgspec.json.decode(one) for one in found]
