"""Quality: rules are data, looks leave evidence, a ticket names the rule and holds no value."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Text
from gdbos.testing import PluginContract
from gdbos_governance.quality.rule import Check, holds

from .city import COMPANY, MARKET, TAX, City

API = "/api/governance/quality"
BASE = Path(__file__).parents[3] / "config" / "base.toml"
TODAY = date(2026, 11, 23)
FIELDS = ["uscc", "enterprise_name", "enterprise_type", "established_on"]


class TestQuality(PluginContract):
    name = "governance.quality"
    extends = BASE


@pytest.fixture
def resource(city: City) -> str:
    """A resource, published and mounted."""
    found = city.published()
    city.mounted(found)
    return found


@contextmanager
def in_the_register(city: City, **values: str) -> Iterator[None]:
    """What the department's own system holds of the company, for a while."""
    path = city.departments.home / "enterprise.sqlite"
    names = ", ".join(values)
    with sqlite3.connect(path) as register:
        before = register.execute(f"SELECT {names} FROM ent WHERE uniscid = ?", [COMPANY]).fetchone()
    sets = ", ".join(f"{name} = ?" for name in values)
    with sqlite3.connect(path) as register:
        register.execute(f"UPDATE ent SET {sets} WHERE uniscid = ?", [*values.values(), COMPANY])
    try:
        yield
    finally:
        with sqlite3.connect(path) as register:
            register.execute(f"UPDATE ent SET {sets} WHERE uniscid = ?", [*before, COMPANY])


def granted(city: City, resource: str, asker: str, decider: str, **changes: Any) -> None:
    """The checking body's grant for this plugin's calls, asked for and decided like any other."""
    wanted = {"system": "governance.quality", "purpose": "数据质量检查", "fields": FIELDS, "clear": FIELDS}
    city.approved(city.asked(resource, asker, **wanted, **changes), decider)


def test_the_rules_are_documents_of_the_packs(city: City) -> None:
    rules = city.get("yang", f"{API}/rules").json()["rules"]
    assert [check["id"] for check in rules[0]["check"]] == [
        "uscc-check-digit",
        "established-not-in-future",
        "type-in-list",
        "name-present",
    ]


def test_a_check_without_a_grant_or_a_live_case_is_refused_by_the_bus(city: City, resource: str) -> None:
    path = f"{API}/resources/{resource}/checks"
    look = {"requests": [{"uscc": COMPANY}], "matter": "enterprise.tax", "case": "TAX-1"}
    assert city.post("shui", path, look).json()["type"] == "urn:gdbos:problem:no-grant"
    granted(city, resource, "wu", "zhu")
    assert city.post("shui", path, look).json()["type"] == "urn:gdbos:problem:no-basis"
    city.open_case()
    assert city.done("shui", path, look) == {"checked": 1, "unanswered": 0, "wrong": 0, "tickets": []}
    assert city.post("shui", path).status_code == 403


def test_a_wrong_value_becomes_a_ticket_at_its_source_which_answers_and_the_finder_closes(
    city: City, resource: str
) -> None:
    granted(city, resource, "wu", "zhu")
    city.open_case()
    look = {"requests": [{"uscc": COMPANY}], "matter": "enterprise.tax", "case": "TAX-1"}
    tomorrow = f"{date.today() + timedelta(days=400)} 00:00:00"
    with in_the_register(city, estdate=tomorrow):
        outcome = city.done("shui", f"{API}/resources/{resource}/checks", look)
        again = city.done("shui", f"{API}/resources/{resource}/checks", look)
    assert (outcome["wrong"], len(outcome["tickets"]), again["wrong"], again["tickets"]) == (1, 1, 1, [])
    ticket = outcome["tickets"][0]
    seen = city.get("yang", f"{API}/tickets/{ticket}").json()
    assert (seen["state"], seen["check"], seen["element"], seen["body"], seen["finder"]) == (
        "open",
        "established-not-in-future",
        "established-on",
        MARKET,
        TAX,
    )
    assert seen["call"] in calls(city)
    assert COMPANY not in str(seen)
    assert city.post("shui", f"{API}/tickets/{ticket}/close").status_code == 409
    assert city.post("shui", f"{API}/tickets/{ticket}/answer", {"verdict": "right", "words": "x"}).status_code == 403
    city.done("yang", f"{API}/tickets/{ticket}/answer", {"verdict": "corrected", "words": "录入错误，已更正"})
    assert city.post("yang", f"{API}/tickets/{ticket}/close").status_code == 403
    city.done("shui", f"{API}/tickets/{ticket}/close")
    assert city.get("shui", f"{API}/tickets/{ticket}").json()["answer"] == "录入错误，已更正"


def calls(city: City) -> list[str]:
    city.site.call(city.site.kernel.book.settle)
    rows = city.site.unit(lambda unit: unit.connection.exec_driver_sql("SELECT id FROM bus_call").scalars().all())
    return [
        str(row) if "-" in str(row) else f"{row[:8]}-{row[8:12]}-{row[12:16]}-{row[16:20]}-{row[20:]}" for row in rows
    ]


def test_a_reply_that_breaks_the_services_own_standard_is_a_finding_too(city: City, resource: str) -> None:
    granted(city, resource, "wu", "zhu")
    city.open_case()
    look = {"requests": [{"uscc": COMPANY}], "matter": "enterprise.tax", "case": "TAX-1"}
    with in_the_register(city, enttype="0000"):
        outcome = city.done("shui", f"{API}/resources/{resource}/checks", look)
    assert outcome["wrong"] == 1
    found = city.get("shui", f"{API}/tickets/{outcome['tickets'][0]}").json()
    assert (found["check"], found["call"]) == ("type-in-list", None)


def test_the_owner_checks_the_samples_it_registered(city: City, resource: str) -> None:
    granted(city, resource, "lin", "zhu", matters=[])
    with in_the_register(city, estdate="2099-01-01 00:00:00"):
        outcome = city.done("yang", f"{API}/resources/{resource}/checks")
    assert (outcome["checked"], outcome["wrong"]) == (1, 1)


def test_delivered_values_are_checked_and_not_kept(city: City, resource: str) -> None:
    values = [
        {"uscc": COMPANY, "enterprise_name": "南宁示例商贸有限公司", "established_on": "2024-05-06"},
        {"uscc": "91450103MADEM00113", "enterprise_name": ""},
    ]
    outcome = city.done("shui", f"{API}/resources/{resource}/values", {"values": values})
    assert (outcome["checked"], outcome["wrong"]) == (2, 2)
    rows = city.site.unit(lambda unit: unit.connection.exec_driver_sql("SELECT * FROM quality_ticket").all())
    assert "91450103MADEM00113" not in str(rows)
    nameless = {"values": [{"enterprise_name": "x"}]}
    assert city.post("shui", f"{API}/resources/{resource}/values", nameless).status_code == 409


def test_the_source_can_tell_which_record_it_is_and_a_third_body_sees_nothing(city: City, resource: str) -> None:
    wrong = {"values": [{"uscc": COMPANY, "established_on": "2099-01-01"}]}
    ticket = city.done("shui", f"{API}/resources/{resource}/values", wrong)["tickets"][0]
    assert city.get("kang", f"{API}/tickets/{ticket}").status_code == 404
    assert city.post("kang", f"{API}/tickets/{ticket}/answer", {"verdict": "right", "words": "x"}).status_code == 404
    assert city.get("kang", f"{API}/tickets").json()["tickets"] == []
    assert "正是这条记录" in city.submit("yang", f"/console/quality/{ticket}/compare", {"key": COMPANY}).text
    assert (
        "是另一条记录" in city.submit("yang", f"/console/quality/{ticket}/compare", {"key": "91450103MADEM002XR"}).text
    )
    assert city.submit("shui", f"/console/quality/{ticket}/compare", {"key": COMPANY}).status_code == 403


def test_without_rules_there_is_nothing_to_check(city: City) -> None:
    draft = city.published(code="102/0007")
    assert city.post("shui", f"{API}/resources/{draft}/values", {"values": [{"uscc": COMPANY}]}).status_code == 409


@given(st.dates())
def test_a_date_holds_when_it_is_not_after_today(day: date) -> None:
    check = Check(id="c", field="f", element="e", test="not-future", title=Text("x"))
    nothing: Any = None
    assert holds(check, day.isoformat(), nothing, TODAY) == (day <= TODAY)


@given(st.text())
def test_what_is_no_date_does_not_hold_and_never_raises(text: str) -> None:
    check = Check(id="c", field="f", element="e", test="not-future", title=Text("x"))
    nothing: Any = None
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        assert holds(check, text, nothing, TODAY) == (text == "")
    else:
        assert holds(check, text, nothing, TODAY) in (day <= TODAY, False)
