"""Mandates: who acts for whom, in what, and never a moment longer than it holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gdbos.actor import Actor
from gdbos.errors import Forbidden, Invalid, NotFound
from gdbos.identity.enterprise import Enterprise, found_enterprise, register_enterprise
from gdbos.identity.mandate import covers, give_mandate, mandates, revoke
from gdbos.identity.person import Person, name_of, person
from gdbos.identity.principal import principals
from gdbos.identity.session import switch_acts_for
from gdbos.reach import reach_of
from gdbos.subjects import enterprise_key, person_key
from gdbos.unit import Unit

from .conftest import ANNA, BEN, COMPANY, City, Clock

NEW = "91450103MADEM00112"
FIRM = enterprise_key(COMPANY)


def give(city: City, by: str, to: str, principal: str = FIRM, **about: Any) -> UUID:
    giver = city.people[by]
    actor = Actor(kind="person", id=str(giver.id), subject=giver.subject)

    def act(unit: Unit) -> UUID:
        return give_mandate(unit, principal=principal, agent=city.people[to], by=giver.id, **about)

    return city.do(act, by=actor)


def acting(city: City, login: str, subject: str) -> Actor:
    """Somebody logged in and acting for ``subject``."""
    here = city.log_in(login)
    actor = city.actor(here)
    assert actor is not None
    city.do(switch_acts_for, subject, by=actor)
    found = city.actor(here)
    assert found is not None
    return found


def test_a_legal_representative_acts_for_the_enterprise(city: City):
    actor = acting(city, "anna", FIRM)
    assert (actor.acts_for, actor.represents) == (FIRM, "南宁示例")
    assert reach_of(actor).subjects == (FIRM,), "and not their own things beside the enterprise's"
    assert city.do(covers, "enterprise.tax", by=actor)
    assert reach_of(actor).matters == ()


def test_who_has_no_mandate_acts_for_nobody(city: City):
    for subject in (FIRM, city.people["anna"].subject, "enterprise:nowhere", "x"):
        with pytest.raises(Forbidden):
            acting(city, "ben", subject)


def test_an_agent_acts_under_a_mandate_and_names_both(city: City):
    give(city, "anna", "ben")
    actor = acting(city, "ben", FIRM)
    assert (actor.subject, actor.acts_for) == (city.people["ben"].subject, FIRM)
    chain = [(link.kind, link.id) for link in actor.chain]
    assert [kind for kind, _ in chain[-2:]] == ["person", "mandate"]


def test_revoking_ends_the_acting_at_once(city: City):
    given = give(city, "anna", "ben")
    here = city.log_in("ben")
    city.do(switch_acts_for, FIRM, by=city.actor(here))
    assert city.actor(here).acts_for == FIRM  # type: ignore[union-attr]
    city.do(revoke, given, by=city.as_("anna"))
    assert city.actor(here).acts_for == ""  # type: ignore[union-attr]


def test_a_new_legal_representative_ends_the_former_ones_acting_at_once(city: City):
    here = city.log_in("anna")
    city.do(switch_acts_for, FIRM, by=city.actor(here))
    changed = Enterprise(uscc=COMPANY, name="南宁示例", division="450100", legal_representative=city.people["clara"].id)
    city.do(register_enterprise, changed)
    assert city.actor(here).acts_for == ""  # type: ignore[union-attr]
    with pytest.raises(Forbidden):
        give(city, "anna", "ben")


def test_a_mandate_ends_with_its_last_day(city: City, clock: Clock):
    today = city.do(lambda unit: unit.today)
    give(city, "anna", "ben", until=today + timedelta(days=2))
    assert acting(city, "ben", FIRM).acts_for == FIRM
    clock.forward(days=1)
    assert acting(city, "ben", FIRM).acts_for == FIRM
    clock.forward(days=1)
    with pytest.raises(Forbidden):
        acting(city, "ben", FIRM)


def test_a_mandate_that_begins_later_does_not_hold_yet(city: City):
    today = city.do(lambda unit: unit.today)
    give(city, "anna", "ben", since=today + timedelta(days=1))
    with pytest.raises(Forbidden):
        acting(city, "ben", FIRM)


def test_a_mandate_covers_its_matters_only(city: City):
    give(city, "anna", "ben", matters=("enterprise.seal",))
    actor = acting(city, "ben", FIRM)
    assert city.do(covers, "enterprise.seal", by=actor)
    assert not city.do(covers, "enterprise.tax", by=actor)
    assert reach_of(actor).matters == ("enterprise.seal",), "nor are the rows of other matters seen"
    give(city, "anna", "ben", matters=("enterprise.tax",))
    assert city.do(covers, "enterprise.tax", by=actor)
    found = city.do(principals, city.people["ben"].id)
    assert [(one.subject, one.matters) for one in found] == [(FIRM, ("enterprise.seal", "enterprise.tax"))]


def test_one_person_acts_for_another(city: City):
    anna = city.people["anna"].subject
    give(city, "anna", "ben", principal=anna)
    actor = acting(city, "ben", anna)
    assert (actor.acts_for, actor.represents) == (anna, "Anna")
    assert actor.chain[-1].kind == "mandate", "by an id that says nothing outside"
    assert reach_of(actor).matters == ()


def test_an_enterprise_that_comes_into_being_is_known_and_represented_and_no_known_one_taken(city: City):
    founder = Person(name="Ben", citizen_id=BEN)
    made = {"uscc": NEW, "name": "新企业", "division": "450100", "representative": founder}
    subject = city.do(found_enterprise, **made)
    assert acting(city, "ben", subject).represents == "新企业"
    city.do(found_enterprise, **{**made, "uscc": COMPANY})
    with pytest.raises(Forbidden):
        acting(city, "ben", FIRM)


@pytest.mark.parametrize("by", ["ben", "clara"])
def test_only_the_principal_gives_a_mandate_and_an_agent_passes_none_on(city: City, by: str):
    give(city, "anna", "ben")
    for principal in (FIRM, city.people["anna"].subject):
        with pytest.raises(Forbidden):
            give(city, by, "clara" if by == "ben" else "ben", principal=principal)


def test_senseless_mandates_are_refused(city: City):
    today = city.do(lambda unit: unit.today)
    with pytest.raises(Invalid):
        give(city, "anna", "anna", principal=city.people["anna"].subject)
    with pytest.raises(Invalid):
        give(city, "anna", "ben", until=today)


def test_a_mandate_is_ended_by_its_parties_only(city: City):
    given = give(city, "anna", "ben")
    for stranger in ("clara", "examiner"):
        with pytest.raises(NotFound):
            city.do(revoke, given, by=city.as_(stranger))
    city.do(revoke, given, by=city.as_("ben"))
    with pytest.raises(NotFound):
        city.do(revoke, given, by=city.as_("anna"))


def test_an_agent_does_not_see_the_other_agents_of_their_principal(city: City):
    bens, claras = give(city, "anna", "ben"), give(city, "anna", "clara")
    assert [one.id for one in city.do(mandates, by=acting(city, "ben", FIRM))] == [bens]
    assert [one.id for one in city.do(mandates, by=city.as_("anna"))] == [claras, bens]


def test_mandates_are_listed_to_their_parties_only(city: City):
    own = give(city, "anna", "ben", principal=city.people["anna"].subject)
    for login, seen in (("anna", [own]), ("ben", [own]), ("clara", []), ("examiner", [])):
        assert [one.id for one in city.do(mandates, by=city.as_(login))] == seen


def test_persons_are_sealed_in_the_database_and_their_names_shown_to_themselves_only(city: City):
    anna = city.people["anna"]
    assert anna.subject == person_key(city.units.around.vault, f" {ANNA.lower()} ")
    rows = city.do(lambda unit: unit.execute(unit.rows(person, person)).all())
    assert not any(
        ANNA.encode() in value or b"Anna" in value for row in rows for value in row if isinstance(value, bytes)
    )
    assert ANNA not in anna.subject
    for login, name in (("anna", "Anna"), ("ben", ""), ("examiner", "")):
        assert city.do(name_of, anna.id, by=city.as_(login)) == name
