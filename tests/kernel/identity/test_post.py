"""Posts: duties that check each other are never in one hand, and nobody reaches further than their own post."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from gdbos.errors import Conflict, Forbidden, Invalid, NotFound
from gdbos.identity.account import disable, open_account
from gdbos.identity.administration import shut
from gdbos.identity.body import register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.duty import duty, take_duty
from gdbos.identity.password import generated
from gdbos.identity.post import accounts, appoint, end_post, posts, posts_of
from gdbos.identity.role import Role, _check, roles
from gdbos.identity.system import PublicKey, System, register_system, systems
from gdbos.ids import new_id
from gdbos.text import Text
from gdbos.unit import Unit

from .conftest import MARKET, TAX, City, body

THREE = ("system-administrator", "security-administrator", "audit-administrator")


def official(city: City, login: str, person=None):
    return city.do(open_account, login=login, password_hash="x", name="X", kind="official", person=person)


@pytest.mark.parametrize(("first", "second"), list(permutations(THREE, 2)))
def test_the_three_administrators_exclude_each_other(city: City, first: str, second: str):
    account = official(city, "three")
    city.do(appoint, account, body=MARKET, role_id=first)
    for at in (MARKET, TAX):
        with pytest.raises(Conflict, match="check each other"):
            city.do(appoint, account, body=at, role_id=second)


def test_a_second_account_of_the_same_human_does_not_help(city: City):
    ben = city.people["ben"].id
    one, two = official(city, "ben.one", ben), official(city, "ben.two", ben)
    city.do(appoint, one, body=MARKET, role_id="security-administrator")
    with pytest.raises(Conflict):
        city.do(appoint, two, body=MARKET, role_id="audit-administrator")


def test_periods_that_do_not_meet_do_not_conflict(city: City):
    today = city.do(lambda unit: unit.today)
    account = official(city, "three")
    city.do(appoint, account, body=MARKET, role_id=THREE[0], until=today + timedelta(days=10))
    with pytest.raises(Conflict):
        city.do(appoint, account, body=MARKET, role_id=THREE[1], since=today + timedelta(days=9))
    city.do(appoint, account, body=MARKET, role_id=THREE[1], since=today + timedelta(days=10))
    assert [post.role for post in city.do(posts_of, account)] == [THREE[0]]


def test_two_appointments_at_the_same_moment_do_not_miss_each_other(city: City):
    account = official(city, "three")

    async def both() -> list[object]:
        tries = (city.units.write(IDENTITY, appoint, account, body=MARKET, role_id=role) for role in THREE * 4)
        return await asyncio.gather(*tries, return_exceptions=True)

    outcomes = asyncio.run(both())
    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert {type(one) for one in outcomes if isinstance(one, Exception)} == {Conflict}


def test_the_database_itself_keeps_the_three_apart_where_no_lock_is_taken(city: City):
    """Two accounts of one human, made administrators at the same moment by a way that forgets the lock."""
    today, ben = city.do(lambda unit: unit.today), city.people["ben"].id
    accounts_of_ben = [official(city, f"ben.{n}", ben) for n in range(2)]

    def take(unit: Unit, account_id: UUID, role_id: str) -> None:
        take_duty(unit, roles(unit)[role_id], new_id(), account_id, today, None)

    async def all_at_once() -> list[object]:
        pairs = [(account, role) for role in THREE for account in accounts_of_ben] * 2
        tries = (city.units.write(IDENTITY, take, *pair) for pair in pairs)
        return await asyncio.gather(*tries, return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    kinds_of_ben = select(duty.c.administration).where(duty.c.human == ben)
    assert {type(one) for one in outcomes if one is not None} == {Conflict}
    kinds = city.do(lambda unit: list(unit.execute(kinds_of_ben).scalars()))
    assert len(set(kinds)) == 1
    assert sum(one is None for one in outcomes) == len(kinds)


def test_a_duty_cannot_be_made_to_reach_into_another_one(city: City):
    today = city.do(lambda unit: unit.today)
    soon, account = today + timedelta(days=10), official(city, "three")
    city.do(appoint, account, body=MARKET, role_id=THREE[0], until=soon)
    later = city.do(appoint, account, body=MARKET, role_id=THREE[1], since=soon)
    for change in ({"since": soon - timedelta(days=1)}, {"until": None, "since": today}):
        with pytest.raises(IntegrityError):
            city.do(lambda unit: unit.execute(update(duty).where(duty.c.id == later).values(change)))  # noqa: B023
    city.do(lambda unit: unit.execute(update(duty).where(duty.c.id == later).values(since=soon + timedelta(days=1))))


def test_who_left_one_of_the_three_may_take_up_another_the_same_day(city: City):
    account = official(city, "three")
    for role in THREE:
        held = city.do(appoint, account, body=MARKET, role_id=role)
        city.do(end_post, held)
    city.units.around.clock.forward(days=1)
    held = city.do(appoint, account, body=MARKET, role_id=THREE[0])
    city.units.around.clock.forward(days=1)
    city.do(end_post, held)
    city.do(appoint, account, body=MARKET, role_id=THREE[1])


def test_nobody_appoints_themself_or_ends_their_own_post(city: City):
    guard = city.as_("guard")
    with pytest.raises(Forbidden, match="of their own"):
        city.do(appoint, city.officials["guard"], body=MARKET, role_id="examiner", by=guard)
    with pytest.raises(Forbidden, match="of their own"):
        city.do(end_post, city.posts["guard"], by=guard)
    assert city.do(appoint, city.officials["taxman"], body=MARKET, role_id="examiner", by=guard)


def test_an_administrator_of_one_body_reaches_no_further(city: City):
    manager = city.as_("manager")
    newcomer = official(city, "newcomer")
    with pytest.raises(Forbidden, match="outside the reach"):
        city.do(appoint, newcomer, body=TAX, role_id="examiner", by=manager)
    with pytest.raises(Forbidden, match="reaches further"):
        city.do(appoint, newcomer, body=MARKET, role_id="security-administrator", by=manager)
    with pytest.raises(NotFound, match="no post"):
        city.do(end_post, city.posts["taxman"], by=manager)
    with pytest.raises(Forbidden, match="outside the reach"):
        city.do(register_body, body(TAX, "x", "x"), by=manager)
    with pytest.raises(Forbidden, match="outside the reach"):
        city.do(register_body, body(MARKET, "x", "x", "450000"), by=manager)
    with pytest.raises(Forbidden, match="outside the reach"):
        city.do(shut, city.officials["taxman"], by=manager)
    with pytest.raises(Forbidden, match="outside the reach"):
        city.do(shut, newcomer, by=manager)
    city.do(appoint, newcomer, body=MARKET, role_id="examiner", by=manager)
    city.do(shut, newcomer, by=manager)


def test_lists_show_what_lies_in_reach(city: City):
    manager, guard = city.as_("manager"), city.as_("guard")
    assert {post.body for post in city.do(posts, by=manager)} == {MARKET}
    assert {post.body for post in city.do(posts, by=guard)} == {MARKET, TAX}
    assert "taxman" not in {one.login for one in city.do(accounts, by=manager)}
    assert {"anna", "taxman", "manager"} <= {one.login for one in city.do(accounts, by=guard)}
    assert [one.client_id for one in city.do(systems, by=manager)] == ["market.registry"]
    assert city.do(systems, by=city.as_("taxman")) == []


def test_lists_page_by_key(city: City):
    guard = city.as_("guard")
    found, after = [], ""
    while page := city.do(accounts, after=after, limit=3, by=guard):
        found += [one.login for one in page]
        after = page[-1].login
    assert found == sorted(found)
    assert len(found) == 8


@pytest.mark.parametrize("role", ["no-such-role", "resident", "client"])
def test_only_roles_given_by_appointment_can_be_held(city: City, role: str):
    with pytest.raises(Invalid):
        city.do(appoint, city.officials["examiner"], body=MARKET, role_id=role)


def test_posts_need_an_official_a_body_and_a_period(city: City):
    today = city.do(lambda unit: unit.today)
    annas = city.log_in("anna").account
    with pytest.raises(Invalid):
        city.do(appoint, annas, body=MARKET, role_id="examiner")
    with pytest.raises(NotFound):
        city.do(appoint, city.officials["examiner"], body="nowhere", role_id="examiner")
    with pytest.raises(Invalid):
        city.do(appoint, city.officials["examiner"], body=TAX, role_id="examiner", until=today)
    with pytest.raises(Conflict, match="already"):
        city.do(appoint, city.officials["examiner"], body=MARKET, role_id="examiner")


def test_numbers_and_divisions_are_checked_and_never_repeated(city: City):
    with pytest.raises(Invalid) as refused:
        city.do(register_body, body("114501003217890126", "x", "x"))
    assert "114501003217890126" not in str(refused.value)
    with pytest.raises(Invalid):
        city.do(register_body, body(MARKET, "x", "x", "45010"))


def test_an_unknown_account_cannot_be_disabled(city: City):
    with pytest.raises(NotFound):
        city.do(disable, city.people["anna"].id)


def test_roles_name_permissions_as_they_are_written():
    good = Role(id="a", title=Text("a"), permissions=("services.cases.read", "services.*", "kernel.identity.*"))
    bad = Role(id="a", title=Text("a"), permissions=("*", "services", "services.*.read"), excludes=("a",))
    assert list(_check(good, None)) == []
    assert len(list(_check(bad, None))) == 4


def test_a_system_has_at_most_three_keys_of_its_own(city: City):
    key = PublicKey(kty="OKP", crv="Ed25519", kid="k", x=str(city.key.as_dict(private=False)["x"]))
    for client_id, keys in (
        ("many.keys", tuple(msgspec.structs.replace(key, kid=str(n)) for n in range(4))),
        ("same.kid", (key, key)),
        ("UPPER", (key,)),
        ("market.registry", (key,)),
    ):
        with pytest.raises((Invalid, Conflict)):
            city.do(register_system, System(client_id=client_id, body=MARKET, name="x", keys=keys))
    assert generated() != generated()
