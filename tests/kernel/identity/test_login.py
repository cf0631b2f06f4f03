"""Logging in: what it gives, what it refuses, and how often it may be tried."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select

from gdbos.config import Passwords, Settings
from gdbos.errors import Conflict, Forbidden, Invalid, PasswordExpired, TooMany, Unauthenticated, WrongPassword
from gdbos.identity.account import account, disable, open_account
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.identity import Identity
from gdbos.identity.login import change_password, log_in
from gdbos.identity.password import Hashing, hashed, matches, refuse_weak
from gdbos.identity.person import Known, Person, register_person
from gdbos.identity.session import session
from gdbos.unit import Run, Unit

from .conftest import PASSWORD, City, Clock


def test_an_official_acts_from_the_body_and_with_the_rights_of_the_post(city: City):
    actor = city.as_("examiner")
    assert (actor.kind, actor.id, actor.name) == ("official", str(city.officials["examiner"]), "Examiner")
    assert (actor.body[:6], actor.division, actor.reach) == ("114501", "450100", "body")
    assert actor.permissions == {"services.cases.read", "services.cases.decide"}
    assert [(link.kind, link.id) for link in actor.chain] == [("node", "nanning"), ("official", actor.id)]


def test_a_person_acts_for_themself_with_what_everybody_may(city: City):
    actor = city.as_("anna")
    assert (actor.kind, actor.id) == ("person", str(city.people["anna"].id))
    assert (actor.subject, actor.acts_for) == (city.people["anna"].subject, "")
    assert actor.permissions == {"services.cases.apply"}


def test_names_are_compared_as_people_do(city: City):
    assert city.log_in("  ANNA ").kind == "person"


@pytest.mark.parametrize("login", ["anna", "nobody", "an\x00na", "\ud800", ""])
def test_a_wrong_log_in_says_one_thing_only(city: City, login: str):
    with pytest.raises(Unauthenticated) as refused:
        city.log_in(login, "wrong and long enough")
    assert refused.value.detail == "The log-in name or the password is not right."


def test_a_disabled_account_cannot_log_in_and_is_not_told_apart(city: City):
    city.do(disable, _id(city, "anna"))
    with pytest.raises(Unauthenticated, match="not right"):
        city.log_in("anna")


def test_every_log_in_opens_a_session_of_its_own_and_ends_the_one_presented(city: City):
    first = city.log_in("anna")
    second = city.log_in("anna", presented=first.session.secret)
    assert first.session.secret != second.session.secret
    assert city.actor(first) is None
    assert city.actor(second) is not None


def test_a_session_handed_to_someone_does_not_survive_their_log_in(city: City):
    planted = city.log_in("ben").session.secret
    city.log_in("anna", presented=planted)
    assert city.actor(planted) is None


def test_the_database_holds_no_secret_of_a_session(city: City):
    secret = city.log_in("anna").session.secret
    stored = city.do(lambda unit: unit.execute(select(session.c.secret)).scalars().all())
    assert secret.encode() not in stored
    assert all(len(digest) == 32 for digest in stored)


@pytest.mark.parametrize("login", ["anna", "nobody-here"])
def test_tries_are_bounded_alike_for_names_that_exist_and_names_that_do_not(city: City, clock: Clock, login: str):
    tried = 0
    for _ in range(40):
        try:
            city.log_in(login, "wrong and long enough")
        except Unauthenticated:
            tried += 1
        except TooMany as refused:
            assert 0 < refused.facts["retry_after"] <= 180
    assert tried == 5
    clock.forward(minutes=3)
    with pytest.raises(Unauthenticated):
        city.log_in(login, "wrong and long enough")
    with pytest.raises(TooMany):
        city.log_in(login, "wrong and long enough")


def test_guesses_sent_all_at_once_are_no_cheaper(city: City):
    async def storm() -> list[BaseException]:
        guesses = (log_in(city.identity, "anna", f"guess number {n} of many") for n in range(60))
        return [one for one in await asyncio.gather(*guesses, return_exceptions=True) if isinstance(one, Exception)]

    answers = asyncio.run(storm())
    assert sorted({type(one) for one in answers}, key=str) == sorted({TooMany, WrongPassword}, key=str)
    assert sum(isinstance(one, WrongPassword) for one in answers) == 5


def test_an_attack_on_one_name_keeps_nobody_else_out_and_its_owner_only_for_minutes(city: City, clock: Clock):
    for _ in range(30):
        with pytest.raises((Unauthenticated, TooMany)):
            city.log_in("anna", "wrong and long enough")
    assert city.log_in("ben").kind == "person"
    clock.forward(minutes=3)
    assert city.log_in("anna").kind == "person"


def test_a_right_password_forgives_the_wrong_ones(city: City):
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                city.log_in("anna", "wrong and long enough")
        city.log_in("anna")


def test_an_unknown_name_costs_the_same_work(city: City):
    def cost(login: str) -> float:
        start = time.perf_counter()
        with pytest.raises(Unauthenticated):
            city.log_in(login, "wrong and long enough")
        return time.perf_counter() - start

    known, unknown = min(cost("anna") for _ in range(4)), min(cost(f"nobody{n}") for n in range(4))
    assert unknown > known / 3, "an argon2 hash was computed for a name that does not exist"


def test_changing_a_password_ends_the_other_sessions_and_keeps_this_one(city: City, identity: Identity):
    here, elsewhere = city.log_in("anna"), city.log_in("anna")
    actor = city.actor(here)
    assert actor is not None
    run = Run(city.units, actor)
    asyncio.run(change_password(identity, run, PASSWORD, "another sentence, longer still"))
    assert city.actor(here) is not None
    assert city.actor(elsewhere) is None
    with pytest.raises(Unauthenticated):
        city.log_in("anna")
    assert city.log_in("anna", "another sentence, longer still").kind == "person"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "anna12345678901234",
        "ANNA00000000000000",
        "passwordpassword",
        "Monkey-2026-2026",
        "dragondragondragon!",
        "1qaz2wsx3edc4rfv",
        "abababababababab",
        "x" * 1025,
    ],
)
def test_weak_passwords_are_refused(password: str):
    with pytest.raises(Invalid) as refused:
        refuse_weak(password, "anna", Passwords())
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", [PASSWORD, "只要够长就是好口令不必用怪字符", "anna likes long sentences"])
def test_long_passwords_need_nothing_else(password: str):
    refuse_weak(password, "anna", Passwords())


DJBH = Passwords(profile="djbh", min_length=12)


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("onlysmallletters", 0),
        ("onlysmallANDBIG", 0),
        ("smallBIG1digit", 1),
        ("small-and-9", 0),
        ("small-and-99", 1),
        ("小写与长句子加字母一些a9", 0),
    ],
)
def test_where_assessors_ask_for_kinds_of_characters_they_are_asked_for(password: str, good: int):
    if good:
        refuse_weak(password, "anna", DJBH)
        return
    with pytest.raises(Invalid):
        refuse_weak(password, "anna", DJBH)


def test_where_assessors_ask_for_it_a_password_ages_and_is_renewed_at_log_in(city: City, clock: Clock):
    settings = city.identity.settings
    aged = msgspec.structs.replace(settings, passwords=msgspec.structs.replace(DJBH, kinds=2))
    city.identity.settings = aged
    city.units.around = msgspec.structs.replace(city.units.around, settings={Settings: aged})
    assert city.log_in("anna").kind == "person"
    clock.forward(days=91)
    with pytest.raises(PasswordExpired):
        city.log_in("anna")
    with pytest.raises(Invalid):
        city.log_in("anna", new_password="short")
    with pytest.raises(Forbidden, match="old one"):
        city.log_in("anna", new_password=PASSWORD)
    assert city.log_in("anna", new_password="Another-Sentence 9").kind == "person"
    assert city.log_in("anna", "Another-Sentence 9").kind == "person"
    with pytest.raises(Unauthenticated):
        city.log_in("anna")


def test_passwords_match_however_they_were_composed():
    assert matches(hashed("cafe\u0301 au lait sans sucre"), "caf\u00e9 au lait sans sucre")
    assert not matches("not a hash", "anything at all here")


def test_hashing_refuses_what_it_cannot_get_to():
    async def flood() -> int:
        hashing = Hashing(threads=1)
        hashing._room = 2
        answers = await asyncio.gather(*(hashing.verify(None, "x") for _ in range(5)), return_exceptions=True)
        hashing.close()
        return sum(isinstance(answer, Exception) for answer in answers)

    assert asyncio.run(flood()) == 3


def test_a_log_in_name_is_taken_once(city: City):
    def again(unit: Unit) -> None:
        open_account(unit, login="ANNA ", password_hash="x", name="Other", kind="person")

    with pytest.raises(Exception, match="taken"):
        city.do(again)
    assert city.do(lambda unit: unit.execute(select(func.count()).select_from(account)).scalar()) == 8


def test_people_who_come_at_the_same_moment_meet_a_problem_and_never_an_error(city: City):
    entry = Person(name="Dora", citizen_id="450103198503129995")

    async def at_once() -> list[object]:
        write = city.units.write
        opening = [
            write(IDENTITY, open_account, login="dora", password_hash="x", name="D", kind="official") for _ in range(6)
        ]
        registering = [write(IDENTITY, register_person, entry) for _ in range(6)]
        return await asyncio.gather(*opening, *registering, return_exceptions=True)

    outcomes = asyncio.run(at_once())
    assert sum(isinstance(one, UUID) for one in outcomes) == 1
    assert {type(one) for one in outcomes} <= {UUID, Known, Conflict}
    assert len({one.id for one in outcomes if isinstance(one, Known)}) == 1


def _id(city: City, login: str):
    return city.do(lambda unit: unit.execute(select(account.c.id).where(account.c.login == login)).scalar())
