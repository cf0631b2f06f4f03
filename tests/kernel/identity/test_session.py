"""Sessions and what hangs on them: ended is ended at the next request, on every worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import func, select, update

from gdbos.errors import Forbidden, NotFound, Unauthenticated
from gdbos.identity.account import account, disable, restore
from gdbos.identity.body import find_body, register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.device import device_of
from gdbos.identity.identity import Identity, forget_old
from gdbos.identity.login import LoggedIn
from gdbos.identity.post import appoint, end_post
from gdbos.identity.session import devices, end, end_all, open_system_session, session, switch_post
from gdbos.identity.system import find_system, replace_keys
from gdbos.storage.metadata import kernel_metadata
from gdbos.testing import postgres_database
from gdbos.unit import Unit, Units
from gdbos.vault import KeyRing

from .conftest import MARKET, TAX, City, Clock, made, settle


def account_id(city: City, login: str) -> Any:
    return city.do(lambda unit: unit.execute(select(account.c.id).where(account.c.login == login)).scalar())


ENDINGS: dict[str, Callable[[City, LoggedIn], None]] = {
    "the account is disabled": lambda city, here: city.do(disable, here.account),
    "the session is ended": lambda city, here: city.do(end, here.session.id, here.account),
    "all sessions are ended": lambda city, here: city.do(end_all, here.account),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_access_ends_at_the_next_request_on_every_worker(city: City, ring: KeyRing, ending: str):
    other_worker = Identity(city.units, ring, city.identity.settings)
    here = city.log_in("anna")

    async def known() -> list[bool]:
        found = []
        for worker in (city.identity, other_worker):
            found.append(await worker.by_cookie(here.session.secret) is not None)
            try:
                await worker.by_token(here.access.token)
                found.append(True)
            except Unauthenticated:
                found.append(False)
        return found

    assert asyncio.run(known()) == [True] * 4
    assert asyncio.run(known()) == [True] * 4, "and from what is remembered"
    ENDINGS[ending](city, here)
    assert asyncio.run(known()) == [False] * 4
    other_worker.close()


def test_a_restored_account_logs_in_anew(city: City):
    here = city.log_in("anna")
    city.do(disable, here.account)
    city.do(end_all, here.account)
    city.do(restore, here.account)
    assert city.actor(here) is None
    assert city.as_("anna").kind == "person"


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "\udcff", "é"])
def test_an_unknown_secret_is_nobodys(city: City, secret: str):
    city.log_in("anna")
    assert city.actor(secret) is None


def test_a_session_ends_when_it_lies_idle_and_lasts_while_it_is_used(city: City, clock: Clock):
    idle, used = city.log_in("anna"), city.log_in("ben")
    for _ in range(4):
        clock.forward(minutes=10)
        assert city.actor(used) is not None
    assert city.actor(idle) is None


def test_a_session_ends_after_eight_hours_however_much_it_is_used(city: City, clock: Clock):
    here = city.log_in("anna")
    lived = 0
    while city.actor(here) is not None:
        clock.forward(minutes=10)
        lived += 10
    assert lived == 480


def test_an_administrators_session_is_the_shortest(city: City, clock: Clock):
    idle, used = city.log_in("guard"), city.log_in("guard")
    lived = 0
    while city.actor(used) is not None:
        clock.forward(minutes=10)
        lived += 10
        if lived == 20:
            assert city.actor(idle) is None
    assert lived == 120


def test_a_token_ends_before_its_session(city: City, clock: Clock):
    here = city.log_in("anna")
    clock.forward(minutes=20)
    assert city.actor(here) is not None
    clock.forward(minutes=15)
    assert city.actor(here) is not None
    with pytest.raises(Unauthenticated):
        asyncio.run(city.identity.by_token(here.access.token))


def test_ending_a_post_takes_its_rights_at_once(city: City):
    here = city.log_in("examiner")
    assert city.actor(here).permissions  # type: ignore[union-attr]
    city.do(end_post, city.posts["examiner"])
    stripped = city.actor(here)
    assert stripped is not None
    assert (stripped.permissions, stripped.body, stripped.reach) == (frozenset(), "", "own")


def test_a_post_ends_with_the_civil_day_where_the_node_stands(city: City, clock: Clock):
    today = city.do(lambda unit: unit.today)
    city.do(end_post, city.posts["examiner"])
    city.do(appoint, city.officials["examiner"], body=MARKET, role_id="examiner", until=today + timedelta(days=1))
    clock.forward(hours=13, minutes=50)  # 23:50 in Nanning
    here = city.log_in("examiner")
    assert city.actor(here).permissions  # type: ignore[union-attr]
    clock.forward(minutes=11)
    assert city.actor(here).permissions == frozenset()  # type: ignore[union-attr]


def test_closing_a_body_takes_its_officials_rights_at_once(city: City):
    here = city.log_in("examiner")
    closed = city.do(find_body, MARKET)
    city.do(register_body, msgspec.structs.replace(closed, active=False))
    assert city.actor(here).permissions == frozenset()  # type: ignore[union-attr]


def test_one_post_is_active_and_rights_are_never_added_up(city: City):
    city.do(appoint, city.officials["examiner"], body=TAX, role_id="leader")
    here = city.log_in("examiner")
    first = city.actor(here)
    assert first is not None
    second_post = city.do(lambda unit: next(p for p in _posts(unit, city) if p.role == "leader").id)
    renewed = city.do(switch_post, second_post, by=first)
    assert city.actor(here) is None, "the old secret ends with the switch"
    second = city.actor(renewed.secret)
    assert second is not None
    assert (first.body, second.body) == (MARKET, TAX)
    assert second.permissions == {"enablement.oversight.read"}
    assert (second.reach, second.division) == ("division", "450103")


def _posts(unit: Unit, city: City) -> list[Any]:
    from gdbos.identity.post import posts_of

    return posts_of(unit, city.officials["examiner"])


def test_nobody_takes_up_anothers_post(city: City):
    with pytest.raises(NotFound):
        city.do(switch_post, city.posts["leader"], by=city.as_("examiner"))
    with pytest.raises(Forbidden):
        city.do(switch_post, city.posts["leader"], by=city.as_("anna"))


def test_nobody_ends_anothers_session(city: City):
    annas = city.log_in("anna")
    with pytest.raises(NotFound):
        city.do(end, annas.session.id, account_id(city, "ben"))
    assert city.actor(annas) is not None


def test_the_list_of_devices_shows_ones_own_live_sessions(city: City):
    here, there = city.log_in("anna", device="Firefox · Windows"), city.log_in("anna", device="WeChat · Android")
    city.log_in("ben")
    actor = city.actor(here)
    assert actor is not None
    listed = city.do(devices, here.account, by=actor)
    assert {device.id: device.device for device in listed} == {
        here.session.id: "Firefox · Windows",
        there.session.id: "WeChat · Android",
    }
    assert [device.id for device in listed if device.current] == [here.session.id]
    city.do(end, there.session.id, here.account)
    assert len(city.do(devices, here.account, by=actor)) == 1


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0.50",
            "WeChat · Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1",
            "Safari · iPhone",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("curl/8.14", "curl"),
        ("something else", ""),
    ],
)
def test_a_browser_is_named_as_its_owner_would(user_agent: str, device: str):
    assert device_of(user_agent) == device


def test_a_system_acts_for_its_body_while_both_serve(city: City):
    row = city.do(open_system_session, "market.registry", timedelta(minutes=5))
    issued = city.identity.tokens.issue(
        subject="market.registry",
        session=row,
        client="market.registry",
        lifetime=timedelta(minutes=5),
        now=city.units.around.clock(),
    )
    actor = asyncio.run(city.identity.by_token(issued.token))
    assert (actor.kind, actor.id, actor.body, actor.reach) == ("system", "market.registry", MARKET, "body")
    assert actor.permissions == {"kernel.bus.call"}
    known = city.do(find_system, "market.registry")
    city.do(replace_keys, "market.registry", known.keys, active=False)
    with pytest.raises(Unauthenticated):
        asyncio.run(city.identity.by_token(issued.token))


def test_what_is_remembered_stays_bounded(city: City, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gdbos.identity.identity.KEPT", 3)
    for _ in range(6):
        city.actor(city.log_in("anna"))
    assert len(city.identity._kept) == 3


def test_a_known_caller_costs_one_small_read_and_none_where_the_node_is_alone(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    here = city.log_in("anna")
    city.actor(here)
    looked = []
    read = Units.read

    async def counting(self: Units, actor: Any, look: Any, *args: Any, **kwargs: Any) -> Any:
        looked.append(look.__name__)
        return await read(self, actor, look, *args, **kwargs)

    monkeypatch.setattr(Units, "read", counting)
    for _ in range(3):
        city.actor(here)
    assert looked == ([] if city.units.lane.alone else ["read"] * 3)


def test_sweeping_drops_what_is_of_no_more_use_and_nothing_else(city: City, clock: Clock):
    here = city.log_in("anna")
    city.do(open_system_session, "market.registry", timedelta(minutes=5))
    clock.forward(minutes=6)
    city.do(forget_old)
    assert city.actor(here) is not None
    assert city.do(lambda unit: unit.execute(select(func.count()).select_from(session)).scalar()) == 1
    clock.forward(days=181)
    city.do(forget_old)
    assert city.do(lambda unit: unit.execute(select(func.count()).select_from(session)).scalar()) == 0


def test_two_workers_with_one_database_end_a_session_at_the_next_request(
    ring: KeyRing, settings: Any, tmp_path: Any, packs: Any, clock: Clock
):
    """Two processes as they are in service: each its own connections and its own memory, one PostgreSQL."""
    with postgres_database() as url:
        first, second = (made(url, ring, clock, tmp_path / name, packs, settings) for name in ("one", "two"))
        kernel_metadata.create_all(first.lane.engine)
        here, there = Identity(first, ring, settings), Identity(second, ring, settings)
        city = City(first, here)
        city.do(settle, city)
        opened = city.log_in("anna")

        async def known(worker: Identity) -> bool:
            return await worker.by_cookie(opened.session.secret) is not None

        async def story() -> list[bool]:
            seen = [await known(here), await known(there), await known(there)]
            await second.write(IDENTITY, disable, opened.account)
            return [*seen, await known(here), await known(there)]

        assert asyncio.run(story()) == [True, True, True, False, False]
        for units in (first, second):
            units.lane.close()
        here.close(), there.close()


def test_a_session_without_its_account_is_nobodys(city: City):
    here = city.log_in("anna")
    city.do(lambda unit: unit.execute(update(session).values(account=uuid4())) and None)
    assert city.actor(here) is None
    assert IDENTITY.session is None
