"""The one door, from outside: systems with keys of their own call departments' real programs, on both databases.

Each step of a call is attacked from the side of whoever would like to pass it without the right to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from department import Department
from nanning import (
    ANNA,
    ANNA_NAME,
    BEN,
    COMPANY,
    MARKET,
    MATTER,
    POLICE,
    POPULATION,
    SEALS,
    TAX,
    Nanning,
    Neighbour,
    nanning,
    neighbour,
)
from sqlalchemy import Connection, func, inspect, select, text

from gdbos import canary
from gdbos.actor import Actor
from gdbos.bus.basis import Basis
from gdbos.bus.grant import decide as decide_grant
from gdbos.bus.grant import draft, new_grant, revoke
from gdbos.bus.record import bus_call, bus_receipt
from gdbos.bus.service import offered_by_plugin
from gdbos.errors import Forbidden
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.tables import leaf
from gdbos.ledger.verify import verify
from gdbos.plugin import Disclosed, Offer, Permission
from gdbos.subjects import person_key
from gdbos.testing import OPERATOR, postgres_database
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import Running, running

FIELDS = {"citizen_id", "name", "sex", "birth_date", "address"}
MASKED = {"citizen_id": "450103********9995", "name": "韦*例"}


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("departments")) as found:
        yield found


@pytest.fixture(scope="module")
def scripted() -> Iterator[Neighbour]:
    with neighbour() as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def city(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    departments: Running,
    scripted: Neighbour,
) -> Iterator[Nanning]:
    """One node for the whole file; every test brings its own systems, grants and cases."""
    folder = tmp_path_factory.mktemp("door")
    with ExitStack() as stack:
        postgres = request.param == "postgres"
        url = stack.enter_context(postgres_database()) if postgres else f"sqlite:///{folder}/home/gdbos.db"
        yield stack.enter_context(nanning(folder, url, departments, scripted))


def rows(city: Nanning, read: Callable[[Connection], Any]) -> Any:
    city.site.call(city.site.kernel.book.settle)
    return city.site.unit(lambda unit: read(unit.connection))


def problem(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["type"].removeprefix("urn:gdbos:problem:")


# Grants.


def test_without_a_grant_nothing_is_asked_and_the_attempt_is_written_down(city: Nanning) -> None:
    system, case, before = city.system(), city.case(citizen=ANNA), city.tally()
    assert problem(city.look(system, case)) == (403, "no-grant")
    assert city.tally() == before
    (entry,) = city.log(system)
    assert (entry["outcome"], entry["service"], entry["grant"], entry["fields"]) == ("no-grant", POPULATION, None, [])


def test_who_has_no_grant_learns_nothing_of_the_standard(city: Nanning) -> None:
    answered = city.look(city.system(), value={"no_such": 1})
    assert problem(answered) == (403, "no-grant")


def test_another_systems_grant_is_not_ones_own(city: Nanning) -> None:
    city.granted()
    assert problem(city.look(city.system(), city.case(citizen=ANNA))) == (403, "no-grant")
    elsewhere = city.granted(body=TAX)
    assert problem(city.look(elsewhere, city.case(citizen=ANNA, body=MARKET))) == (403, "no-basis")


def test_a_grant_holds_for_its_matters_only_and_two_grants_for_both(city: Nanning) -> None:
    system = city.granted(matters=[MATTER])
    case, seal = city.case(citizen=ANNA), city.case(citizen=ANNA, matter="enterprise.seal")
    assert city.look(system, case).status_code == 200
    refused = city.look(system, seal, matter="enterprise.seal")
    assert problem(refused) == (403, "no-grant")
    assert MATTER in refused.json()["detail"]
    city.grant(system, matters=["enterprise.seal"])
    assert city.look(system, seal, matter="enterprise.seal").status_code == 200
    assert city.look(system, case).status_code == 200


@pytest.mark.parametrize(("since", "until"), [(1, 9), (-9, -1)], ids=["not yet", "no longer"])
def test_a_grant_holds_within_its_dates_only(city: Nanning, since: int, until: int) -> None:
    system = city.system()

    def enter(unit: Unit) -> None:
        dates = {"since": unit.now + timedelta(days=since), "until": unit.now + timedelta(days=until)}
        grant = new_grant(body=MARKET, system=system.client_id, service=POPULATION, provider=POLICE, **dates)
        decide_grant(unit, draft(unit, grant), approve=True, reason="for those days")

    city.site.unit(enter)
    before = city.tally()
    assert problem(city.look(system, city.case(citizen=ANNA))) == (403, "no-grant")
    assert city.tally() == before


def test_a_draft_a_refused_and_a_revoked_grant_are_none(city: Nanning) -> None:
    system, case = city.system(), city.case(citizen=ANNA)
    asked = system.ask("ApiBusGrantsAsk", {"service": POPULATION, "purpose": "to check"}).json()["id"]
    assert problem(city.look(system, case)) == (403, "no-grant")
    assert city.decide(asked, approve=False).json()["state"] == "refused"
    assert problem(city.look(system, case)) == (403, "no-grant")
    second = city.grant(system)
    assert city.look(system, case).status_code == 200
    assert city.decide(second, path="revoke").status_code == 200
    assert problem(city.look(system, case)) == (403, "no-grant")


def test_a_system_cannot_approve_its_own_request(city: Nanning) -> None:
    system = city.system()
    asked = system.ask("ApiBusGrantsAsk", {"service": POPULATION, "purpose": "to check"}).json()["id"]
    decision = {"approve": True, "reason": "because I may"}
    assert system.ask("ApiBusGrantsGrantIdDecisionDecide", decision, grant_id=asked).status_code == 403


def test_a_used_up_rate_says_when_to_come_back(city: Nanning) -> None:
    system, case = city.granted(rate=2), city.case(citizen=ANNA)
    assert [city.look(system, case).status_code for _ in range(2)] == [200, 200]
    before, late = city.tally(), city.look(system, case)
    assert problem(late) == (429, "too-many")
    assert 1 <= int(late.headers["retry-after"]) <= 61
    assert city.tally() == before


# Basis.


def test_without_a_live_basis_the_provider_is_not_even_asked(city: Nanning) -> None:
    system, before = city.granted(), city.tally()
    others = city.case(citizen=BEN)
    ended = city.case(citizen=ANNA)
    city.close(ended)
    elsewhere = city.case(citizen=ANNA, body=TAX)
    for case in ("", "CASE-NONE", others, ended, elsewhere):
        assert problem(city.look(system, case)) == (403, "no-basis")
    other_matter = city.case(citizen=ANNA, matter="enterprise.seal")
    assert problem(city.look(system, other_matter)) == (403, "no-basis")
    assert city.tally() == before
    assert {entry["outcome"] for entry in city.log(system)} == {"no-basis"}
    assert len(city.log(system)) == 6


@pytest.mark.parametrize("ended", ["closed", "run out"])
def test_a_basis_that_is_opened_again_holds_again(city: Nanning, ended: str) -> None:
    system, number = city.granted(), f"AGAIN-{ended}"

    def open_one(unit: Unit, until: timedelta | None) -> None:
        end = None if until is None else unit.now + until
        subject = person_key(unit.vault, ANNA)
        unit.open_basis(Basis(subject=subject, body=MARKET, matter=MATTER, case=number, until=end))

    city.site.unit(open_one, timedelta(seconds=-1) if ended == "run out" else None)
    if ended == "closed":
        city.close(number)
    assert problem(city.look(system, number)) == (403, "no-basis")
    city.site.unit(open_one, None)
    assert city.look(system, number).status_code == 200


def test_a_basis_that_ends_between_question_and_answer_discloses_nothing(city: Nanning) -> None:
    asker, case = scripted_service(city), city.case(citizen=ANNA)
    assert slow_look(city, asker, case, meanwhile=lambda: None)[0].status_code == 200
    receipts = len(city.receipts("anna"))
    answered, asked = slow_look(city, asker, case, meanwhile=lambda: city.close(case))
    assert asked
    assert problem(answered) == (403, "no-basis")
    assert ANNA_NAME not in answered.text
    assert len(city.receipts("anna")) == receipts


def test_a_grant_revoked_between_question_and_answer_discloses_nothing(city: Nanning) -> None:
    asker, case = scripted_service(city), city.case(citizen=ANNA)
    system, _ = asker
    grant = next(g for g in system.ask("ApiBusGrantsGrants").json()["grants"] if g["system"] == system.client_id)
    answered, asked = slow_look(city, asker, case, meanwhile=lambda: city.site.unit(_revoke_unheard, grant["id"]))
    assert asked
    assert problem(answered) == (403, "no-grant")


def _revoke_unheard(unit: Unit, grant: str) -> None:
    """Revoke as another worker would: this one's memory does not hear of it."""
    revoke(unit, UUID(grant), "at once")
    unit.topics.clear()


OWN = {
    "title": {"zh": "人员查询", "en": "People"},
    "takes": "nanning.population.query",
    "gives": "nanning.population.person",
    "subject": {"kind": "person", "field": "citizen_id"},
    "settings": {
        "base": "{neighbour}",
        "path": "/people",
        "request": {"id": "citizen_id"},
        "response": {"citizen_id": "id", "name": "n", "sex": "s", "birth_date": "b"},
    },
}
PERSON = {"id": ANNA, "n": ANNA_NAME, "s": "1", "b": "1985-03-12"}


def scripted_service(city: Nanning) -> tuple[Department, str]:
    """A system with a grant, and the service it is for, whose answers tests write."""
    police = city.system(POLICE)
    code = police.client_id.replace("-", "") + ".people"
    assert police.ask("ApiBusServicesRegister", OWN | {"code": code}).status_code == 201
    return city.granted(code), code


def slow_look(
    city: Nanning, asker: tuple[Department, str], case: str, meanwhile: Callable[[], object]
) -> tuple[Any, bool]:
    """Ask; when the question has reached the provider, do ``meanwhile``; then let it answer."""
    asked, go = threading.Event(), threading.Event()

    def answer(body: Any) -> Any:
        asked.set()
        go.wait(5)
        return PERSON

    city.scripted.answer = answer
    found: list[Any] = []

    def ask() -> None:
        question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case, "purpose": "check"}
        found.append(asker[0].ask("ApiBusCallsServiceCall", question, service=asker[1]))

    thread = threading.Thread(target=ask)
    thread.start()
    reached = asked.wait(5)
    meanwhile()
    go.set()
    thread.join(10)
    return found[0], reached


# The answer.


def test_an_answer_holds_the_granted_fields_masked_and_leaves_one_receipt(city: Nanning) -> None:
    system, case = city.granted(fields=["citizen_id", "name", "sex"], clear=["sex"]), city.case(citizen=ANNA)
    annas, bens = len(city.receipts("anna")), len(city.receipts("ben"))
    answered = city.look(system, case)
    assert answered.status_code == 200
    reply = answered.json()
    assert reply["value"] == {**MASKED, "sex": "1"}
    assert (reply["provider"], set(reply["fields"])) == (POLICE, {"citizen_id", "name", "sex"})
    assert answered.headers["gdbos-call"] == reply["call"]
    newest = city.receipts("anna")
    assert len(newest) == annas + 1
    receipt = newest[0]
    assert (receipt["call"], receipt["case"], receipt["body"], receipt["by"]) == (reply["call"], case, MARKET, "system")
    assert set(receipt["fields"]) == {"citizen_id", "name", "sex"}
    assert len(city.receipts("ben")) == bens
    entry = city.log(system)[0]
    assert (entry["outcome"], entry["subjects"], set(entry["fields"])) == ("done", 1, set(reply["fields"]))


def test_what_is_granted_clear_comes_clear(city: Nanning) -> None:
    case = city.case(citizen=ANNA)
    some = city.look(city.granted(clear=["name"]), case).json()["value"]
    assert set(some) == FIELDS
    assert (some["name"], some["citizen_id"]) == (ANNA_NAME, MASKED["citizen_id"])
    every = city.look(city.granted(clear=["*"]), case).json()["value"]
    assert (every["name"], every["citizen_id"]) == (ANNA_NAME, ANNA)


def test_receipts_are_read_by_their_subject_and_by_nobody_else(city: Nanning) -> None:
    system = city.granted()
    call = city.look(system, city.case(citizen=ANNA)).json()["call"]
    assert call in [receipt["call"] for receipt in city.receipts("anna")]
    assert call not in [receipt["call"] for receipt in city.receipts("ben")]
    get = city.site.client.get
    assert get("/api/bus/receipts").status_code == 401
    assert get("/api/bus/receipts", headers=city.site.sign_in("clerk")).status_code == 403
    assert system.ask("ApiBusReceiptsReceipts").status_code == 403


def test_ones_own_data_are_read_without_a_grant_and_without_a_receipt(city: Nanning) -> None:
    def receipts(connection: Connection) -> int:
        return int(connection.execute(select(func.count()).select_from(bus_receipt)).scalar_one())

    before = rows(city, receipts)
    city.receipts("anna")
    newest = select(bus_call.c.service, bus_call.c.outcome).order_by(bus_call.c.id.desc()).limit(1)
    assert rows(city, lambda c: tuple(c.execute(newest).one())) == ("kernel.bus.receipts", "done")
    assert rows(city, receipts) == before


class Asked(msgspec.Struct, frozen=True):
    """A question of a plugin's service."""

    citizen_id: str


class Shown(msgspec.Struct, frozen=True):
    """Its answer, which nothing but the door keeps from anybody."""

    subject: str


SECRETS = Offer(
    code="test.secrets",
    title=Text("秘密", "Secrets"),
    takes=Asked,
    gives=Shown,
    provide=lambda unit, asked: Shown(person_key(unit.vault, asked.citizen_id)),
    discloses=lambda asked, shown: [Disclosed(shown.subject)],
)


def test_a_plugins_function_shows_people_their_own_data_and_nobody_elses(city: Nanning) -> None:
    kernel = city.site.kernel
    anna = Actor(kind="person", id="anna", subject=person_key(kernel.vault, ANNA))
    bus, receipts = kernel.bus_for(anna, "test"), len(city.receipts("ben"))

    async def ask(citizen: str) -> Any:
        kernel.directory.replace([*kernel.directory.all(), offered_by_plugin(SECRETS, "test", OPERATOR)], ())
        return await bus.call("test.secrets", {"citizen_id": citizen})

    assert city.site.call(lambda: ask(ANNA)).value == {"subject": anna.subject}
    with pytest.raises(Forbidden, match="not your own data"):
        city.site.call(lambda: ask(BEN))
    newest = select(bus_call.c.outcome).where(bus_call.c.service == "test.secrets").order_by(bus_call.c.id)
    assert rows(city, lambda c: list(c.execute(newest).scalars())) == ["done", "forbidden"]
    assert len(city.receipts("ben")) == receipts


SEE = Permission("test.secrets.see", "See secrets")
GUARDED = msgspec.structs.replace(SECRETS, code="test.guarded", permission=SEE, discloses=lambda asked, shown: [])


def test_a_plugins_function_answers_those_officials_of_a_body_whose_post_has_the_right(city: Nanning) -> None:
    """And the body's systems by its grant, which is all they need."""
    kernel = city.site.kernel
    grant = new_grant(body=MARKET, system="test", service=GUARDED.code, provider=OPERATOR, purpose="to check")
    city.site.unit(lambda unit: decide_grant(unit, draft(unit, grant), approve=True, reason="to check"))
    city.site.call(kernel.refresh)
    colleague = Actor(kind="official", id="test", body=MARKET, reach="body", permissions=frozenset({"test.other"}))

    async def ask(actor: Actor) -> Any:
        kernel.directory.replace([*kernel.directory.all(), offered_by_plugin(GUARDED, "test", OPERATOR)], ())
        return await kernel.bus_for(actor, "test").call(GUARDED.code, {"citizen_id": ANNA})

    with pytest.raises(Forbidden, match=SEE.name):
        city.site.call(lambda: ask(colleague))
    holder = msgspec.structs.replace(colleague, permissions=frozenset({"test.secrets.*"}))
    for actor in (holder, msgspec.structs.replace(colleague, kind="system")):
        assert city.site.call(lambda actor=actor: ask(actor)).fields == ("subject",)


def test_no_other_body_sees_the_call_in_its_log(city: Nanning) -> None:
    call = city.look(city.granted(), city.case(citizen=ANNA)).json()["call"]

    def seen(body: str) -> bool:
        return call in [entry["id"] for entry in city.system(body).ask("ApiBusCallsCalls").json()["calls"]]

    assert {body: seen(body) for body in (MARKET, POLICE, TAX)} == {MARKET: True, POLICE: True, TAX: False}


# What may not pass.


def test_a_wrong_check_digit_is_named_and_not_repeated(city: Nanning) -> None:
    system, before = city.granted(), city.tally()
    wrong = ANNA[:-1] + "4"
    answered = city.look(system, city.case(citizen=ANNA), citizen=wrong)
    assert problem(answered) == (422, "invalid")
    assert [v["path"] for v in answered.json()["violations"]] == ["$.citizen_id"]
    assert wrong not in answered.text
    assert wrong[:12] not in answered.text
    assert city.tally() == before


def test_a_reply_against_its_standard_is_the_providers_failure_and_shows_nothing(city: Nanning) -> None:
    (system, code), case = scripted_service(city), city.case(citizen=ANNA)
    question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case, "purpose": "check"}
    for wrong in (PERSON | {"s": "7"}, {k: v for k, v in PERSON.items() if k != "n"}, PERSON | {"b": "yesterday"}):
        city.scripted.answer = lambda body, wrong=wrong: wrong
        answered = system.ask("ApiBusCallsServiceCall", question, service=code)
        assert problem(answered) == (502, "provider-failed")
        assert ANNA_NAME not in answered.text
        assert ANNA not in answered.text
    assert {entry["outcome"] for entry in city.log(system)} == {"provider-failed"}


def test_a_service_that_is_not_shared_is_for_its_provider_alone(city: Nanning) -> None:
    police = city.system(POLICE)
    code = police.client_id.replace("-", "") + ".secret"
    assert police.ask("ApiBusServicesRegister", OWN | {"code": code, "sharing": "not-shared"}).status_code == 201
    city.scripted.answer = lambda body: PERSON
    question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": city.case(citizen=ANNA), "purpose": "check"}
    before, market = len(city.scripted.asked), city.granted(code)
    assert problem(market.ask("ApiBusCallsServiceCall", question, service=code)) == (403, "forbidden")
    assert len(city.scripted.asked) == before
    city.grant(police, code)
    question["case"] = city.case(citizen=ANNA, body=POLICE)
    assert police.ask("ApiBusCallsServiceCall", question, service=code).status_code == 200


def test_no_such_service_and_a_withdrawn_one_are_told_apart(city: Nanning) -> None:
    police = city.system(POLICE)
    code = police.client_id.replace("-", "") + ".people"
    assert problem(police.ask("ApiBusCallsServiceCall", {"value": {}}, service=code)) == (404, "not-found")
    police.ask("ApiBusServicesRegister", OWN | {"code": code})
    notice = {"on": city.site.kernel.units.around.today().isoformat(), "reason": "for the test"}
    withdrawn = police.ask("ApiBusServicesCodeVersionsWithdrawWithdraw", notice, code=code, version="1")
    assert withdrawn.status_code == 200
    assert problem(police.ask("ApiBusCallsServiceCall", {"value": {}}, service=code)) == (410, "gone")


@pytest.fixture
def full(city: Nanning) -> Iterator[Nanning]:
    """The node with every place at the bus taken."""
    door = city.site.kernel.door
    with ExitStack() as taken:
        for number in range(door.admission.capacity):
            taken.enter_context(door.admission.place((MARKET, f"s{number}")))
        yield city


def test_beyond_its_capacity_the_bus_says_so_at_once(city: Nanning, full: Nanning) -> None:
    system, before = city.granted(), city.tally()
    answered = city.look(system, city.case(citizen=ANNA))
    assert problem(answered) == (503, "unavailable")
    assert int(answered.headers["retry-after"]) >= 1
    assert 20 <= int(answered.headers["retry-after-ms"]) <= 5000
    assert city.tally() == before


# Effects.


def seals(case: str) -> dict[str, Any]:
    value = {
        "case_number": case,
        "enterprise_name": "南宁示例商贸有限公司",
        "uscc": COMPANY,
        "legal_representative_name": ANNA_NAME,
        "legal_representative_citizen_id": ANNA,
        "seal_kind": ["01"],
    }
    return {"value": value, "matter": "enterprise.seal", "case": case, "purpose": "record seals", "business": case}


def stages(city: Nanning, call: str) -> list[tuple[str, str]]:
    """What the ledger holds of a call: its stages, and how each ended."""
    city.site.call(city.site.kernel.book.catch_up)
    read = select(leaf.c.leaf).where(leaf.c.log == CALLS, leaf.c.record == UUID(call)).order_by(leaf.c.position)
    found = [msgspec.json.decode(one) for one in rows(city, lambda c: list(c.execute(read).scalars()))]
    return [(one.get("stage", "whole"), one.get("error", "")) for one in found]


def test_before_an_effect_its_intent_is_recorded_and_after_it_the_outcome(city: Nanning) -> None:
    system, case = city.granted(SEALS), city.case(enterprise=COMPANY, matter="enterprise.seal")
    answered = system.ask("ApiBusCallsServiceCall", seals(case), service=SEALS)
    assert answered.status_code == 200, answered.text
    assert stages(city, answered.json()["call"]) == [("intent", ""), ("outcome", "")]
    assert [entry["outcome"] for entry in city.log(system)] == ["done"]
    handled = city.tally("seal")["handled"]
    assert system.ask("ApiBusCallsServiceCall", seals(case), service=SEALS).status_code == 200
    assert city.tally("seal")["handled"] == handled


def test_an_effect_whose_provider_is_down_has_its_outcome_recorded(city: Nanning) -> None:
    system, case = city.granted(SEALS), city.case(enterprise=COMPANY, matter="enterprise.seal")
    city.switch(down=["seal"])
    try:
        answered = system.ask("ApiBusCallsServiceCall", seals(case), service=SEALS)
    finally:
        city.switch(down=[])
    assert problem(answered) == (503, "unavailable")
    (entry,) = city.log(system)
    assert entry["outcome"] == "unavailable"
    assert stages(city, entry["id"]) == [("intent", ""), ("outcome", "unavailable")]


def test_no_intent_is_written_and_nothing_sent_without_a_basis(city: Nanning) -> None:
    system, before = city.granted(SEALS), city.tally("seal")
    answered = system.ask("ApiBusCallsServiceCall", seals("CASE-NONE"), service=SEALS)
    assert problem(answered) == (403, "no-basis")
    (entry,) = city.log(system)
    assert stages(city, entry["id"]) == [("whole", "no-basis")]
    assert city.tally("seal") == before


# What stays. (Last in this file: everything above has passed through the node by now.)


def test_the_ledger_verifies_from_files_alone_with_a_leaf_for_every_call(city: Nanning) -> None:
    city.site.call(city.site.kernel.book.catch_up)
    report = verify(city.site.kernel.settings.home / "ledger" / CALLS)
    assert (report.code, report.faults) == (0, [])
    stages_of = select(func.count()).select_from(leaf).where(leaf.c.log == CALLS)
    assert report.size == rows(city, lambda c: c.execute(stages_of).scalar_one())
    logged = select(func.count(func.distinct(leaf.c.record))).where(leaf.c.log == CALLS)
    calls = select(func.count()).select_from(bus_call).where(bus_call.c.id != canary.ID)
    assert rows(city, lambda c: c.execute(logged).scalar_one() == c.execute(calls).scalar_one())


def test_no_file_and_no_row_holds_a_citizen_id_or_a_name(city: Nanning) -> None:
    """Whoever takes the disk has sealed and blinded forms, and commitments."""
    assert city.look(city.granted(clear=["*"]), city.case(citizen=ANNA)).json()["value"]["name"] == ANNA_NAME
    city.site.call(city.site.kernel.book.catch_up)
    words = [word.encode() for word in (ANNA, BEN, ANNA_NAME, "示范路1号", ANNA[:14])]
    home: Path = city.site.kernel.settings.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [(path.name, word.decode()) for path in files for word in words if word in path.read_bytes()] == []
    dumped = b"\n".join(rows(city, _everything))
    assert [word.decode() for word in words if word in dumped] == []
    assert COMPANY.encode() in dumped, "what is public may be found, so the search works"


def _everything(connection: Connection) -> list[bytes]:
    found = []
    for table in inspect(connection).get_table_names():
        for row in connection.execute(text(f'SELECT * FROM "{table}"')):
            found += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
    return [bytes(cell) for cell in found]
