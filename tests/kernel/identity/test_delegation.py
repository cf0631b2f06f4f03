"""Standing in for an official who is away: in their post and no other, named beside them, ended at once."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from gdbos.actor import Link
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.errors import Conflict, Forbidden, Invalid, NotFound
from gdbos.identity.account import disable, open_account
from gdbos.identity.delegation import delegate, delegations, offices, revoke_delegation
from gdbos.identity.post import appoint, end_post
from gdbos.identity.session import switch_post

from .conftest import MARKET, PASSWORD_HASH, TAX, City

TODAY = date(2026, 11, 23)
WEEK = TODAY + timedelta(days=7)


@pytest.fixture
def away(city: City) -> City:
    """The manager's colleague is away for a week, and the examiner stands in."""
    give(city)
    return city


def give(city: City, to: str = "examiner", **limits: object) -> UUID:
    made: UUID = city.do(
        delegate,
        city.posts["manager"],
        to,
        by=city.as_("manager"),
        **({"until": WEEK} | limits),  # type: ignore[arg-type]
    )
    return made


def stands_in(city: City, login: str = "examiner") -> bool:
    return any(one.delegation for one in city.do(offices, city.officials[login]))


def test_the_delegate_acts_in_the_post_with_its_rights_and_both_are_named(away: City) -> None:
    entered = away.log_in("examiner")
    own = away.actor(entered)
    assert own is not None and own.permissions == {"services.cases.read", "services.cases.decide"}
    opened = away.do(switch_post, away.posts["manager"], by=own)
    acting = away.actor(opened.secret)
    assert acting is not None and acting.permissions == {"kernel.identity.*"}  # never both posts' rights together
    assert acting.id == str(away.officials["examiner"])
    assert [link.kind for link in acting.chain] == ["node", "official", "delegation", "holder"]
    assert acting.chain[-1] == Link("holder", str(away.officials["manager"]))


def test_it_begins_and_ends_with_its_days(city: City) -> None:
    give(city, since=TODAY + timedelta(days=1), until=TODAY + timedelta(days=3))
    assert not stands_in(city)
    for days, expected in ((1, True), (1, True), (1, False)):
        city.units.around.clock.forward(days=days)  # type: ignore[attr-defined]
        assert stands_in(city) is expected


@pytest.mark.parametrize("who", ["manager", "examiner", "guard"])
def test_its_holder_its_delegate_and_an_administrator_end_it_at_once(city: City, who: str) -> None:
    made = give(city)
    entered = city.log_in("examiner")
    opened = city.do(switch_post, city.posts["manager"], by=city.actor(entered))
    city.do(revoke_delegation, made, by=city.as_(who))
    after = city.actor(opened.secret)
    assert after is not None and (after.body, after.permissions) == ("", frozenset())
    assert [one.revoked for one in city.do(delegations, by=city.as_("manager"))] == [True]
    with pytest.raises(NotFound):
        city.do(revoke_delegation, made, by=city.as_(who))


@pytest.mark.parametrize("who", ["leader", "taxman", "anna"])
def test_nobody_else_ends_it(city: City, who: str) -> None:
    made = give(city)
    with pytest.raises(NotFound):
        city.do(revoke_delegation, made, by=city.as_(who))
    assert stands_in(city)


def test_it_ends_with_the_post_and_with_the_holders_access(away: City) -> None:
    away.do(disable, away.officials["manager"])
    assert not stands_in(away)


def test_it_ends_with_the_post(away: City) -> None:
    away.do(end_post, away.posts["manager"])
    assert not stands_in(away)


def test_a_delegate_does_not_pass_it_on(away: City) -> None:
    opened = away.do(switch_post, away.posts["manager"], by=away.as_("examiner"))
    acting = away.actor(opened.secret)
    with pytest.raises(NotFound, match="no such post"):
        away.do(delegate, away.posts["manager"], "leader", by=acting, until=WEEK)


def test_nobody_stands_in_for_themself_under_another_account(city: City) -> None:
    ben = city.people["ben"].id
    one, two = (
        city.do(open_account, login=f"ben.{n}", password_hash=PASSWORD_HASH, name="B", kind="official", person=ben)
        for n in ("one", "two")
    )
    post = city.do(appoint, one, body=MARKET, role_id="body-manager")
    city.do(appoint, two, body=MARKET, role_id="examiner")
    for to in ("ben.one", "ben.two"):
        with pytest.raises(Forbidden, match="themself"):
            city.do(delegate, post, to, by=city.as_("ben.one"), until=WEEK)


def test_only_a_colleague_with_a_post_at_the_body_stands_in(city: City) -> None:
    with pytest.raises(Forbidden, match="no post at your body"):
        give(city, "taxman")
    for nobody in ("anna", "no-one"):
        with pytest.raises(NotFound):
            give(city, nobody)


@pytest.mark.parametrize("until", [TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=400)])
def test_a_delegation_has_an_end_within_a_year(city: City, until: date) -> None:
    with pytest.raises(Invalid):
        give(city, until=until)


def test_duties_that_check_each_other_stay_in_two_hands(city: City) -> None:
    account = city.do(open_account, login="auditor", password_hash=PASSWORD_HASH, name="A", kind="official")
    city.do(appoint, account, body=MARKET, role_id="audit-administrator")
    with pytest.raises(Conflict, match="check each other"):
        city.do(delegate, city.posts["guard"], "auditor", by=city.as_("guard"), until=WEEK)
    city.do(delegate, city.posts["guard"], "examiner", by=city.as_("guard"), until=WEEK)
    with pytest.raises(Conflict, match="check each other"):
        city.do(appoint, city.officials["examiner"], body=MARKET, role_id="audit-administrator")
    city.do(appoint, city.officials["examiner"], body=TAX, role_id="audit-administrator", since=WEEK)


def test_one_stands_in_once(away: City) -> None:
    with pytest.raises(Conflict, match="already"):
        give(away)


def test_what_either_asked_for_neither_approves(away: City) -> None:
    """The examiner asks; standing in for the manager they cannot approve it. Nor what the manager asked for."""
    opened = away.do(switch_post, away.posts["manager"], by=away.as_("examiner"))
    acting = away.actor(opened.secret)
    for asks in ("examiner", "manager"):
        asker = away.as_(asks)
        grant = new_grant(body=MARKET, system="s", service="x", provider=MARKET, purpose="p", matters=("m",))
        made = away.do(draft, grant, by=asker)
        with pytest.raises(Forbidden, match="Nobody approves"):
            away.do(decide, made, approve=True, reason="r", by=acting)
    away.do(decide, made, approve=True, reason="r", by=away.as_("leader"))
