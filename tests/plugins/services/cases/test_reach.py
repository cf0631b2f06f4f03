"""Who reaches a case: nobody but its subject and the body that handles or handled it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from gdbos.actor import Actor
from gdbos.bus.basis import Wanted, without
from gdbos.errors import Conflict
from gdbos_services.cases import case as cases

from .conftest import ANSWERS, HEALTH, PLACE, City

REASON = {"reason": "材料与实际不符"}
OFFICIAL = [
    ("accept", None),
    ("decline", REASON),
    ("extend", {"days": 5, "reason": "案情复杂"}),
    ("approve", {}),
    ("reject", REASON),
]


def test_another_body_finds_nothing(city: City) -> None:
    made = city.submitted()
    for act, body in OFFICIAL:
        assert city("stranger", "POST", f"/{made}/{act}", body).status_code == 404, act
    assert city("stranger", "GET", f"/{made}").status_code == 404
    assert city.done("stranger", "GET", "")["cases"] == []


def test_another_applicant_finds_nothing(city: City) -> None:
    made = city.draft()
    assert city("ben", "GET", f"/{made}").status_code == 404
    assert city("ben", "PUT", f"/{made}/answers", {"answers": {"staff-count": 7}}).status_code == 404
    assert city("ben", "POST", f"/{made}/submit", {"answers": ANSWERS}).status_code == 404
    assert city("ben", "POST", f"/{made}/corrections/supply", {}).status_code == 404


def test_applicants_do_nothing_that_officials_do_and_nobody_does_anything_unknown(city: City) -> None:
    made = city.submitted()
    for act, body in OFFICIAL:
        assert city("anna", "POST", f"/{made}/{act}", body).status_code == 403, act
        assert city("", "POST", f"/{made}/{act}", body).status_code == 401, act
    assert city("", "GET", f"/{made}").status_code == 401
    assert city("examiner", "POST", f"/{made}/approve", {}).status_code == 403


def receipts(city: City) -> list[dict[str, Any]]:
    answered = city.site.client.get("/api/bus/receipts", headers=city.headers("anna"))
    found: list[dict[str, Any]] = answered.json()["receipts"]
    return found


def test_the_body_sees_a_live_case_whole_and_leaves_a_receipt(city: City) -> None:
    made = city.accepted()
    assert city.done("head", "GET", f"/{made}")["answers"] == ANSWERS
    assert [(one["body"], one["case"]) for one in receipts(city)] == [(HEALTH, made)]


def test_an_ended_case_stays_with_the_body_that_decided_it_and_opens_no_other_record(city: City) -> None:
    made = city.accepted()
    city.done("head", "POST", f"/{made}/reject", REASON)
    assert city.done("head", "GET", f"/{made}")["answers"] == ANSWERS
    assert [(one["body"], one["case"]) for one in receipts(city)] == [(HEALTH, made)]
    assert [one["case"] for one in city.done("head", "GET", "/ended")["ended"]] == [made]
    assert city("stranger", "GET", f"/{made}").status_code == 404
    assert city.done("stranger", "GET", "/ended")["ended"] == []
    look = Wanted(city.done("anna", "GET", f"/{made}")["subject"], HEALTH, made, PLACE)
    archived = replace(look, kind="archive")
    lacking = city.site.unit(lambda unit: without(unit.connection, [look, archived], unit.now))
    assert lacking == {look}, "no other record of hers is opened by it"


def test_a_draft_that_came_to_nothing_is_nobodys_archive(city: City) -> None:
    made = city.draft()
    city.clock.set(2026, 6, 9)
    city.site.call(lambda: city.site.kernel.run_as("services.cases")(cases.void, UUID(made), "过期", "lapsed"))
    assert city.state(made) == "void"
    assert city.done("head", "GET", "/ended")["ended"] == []
    assert city("head", "GET", f"/{made}").status_code in (403, 404)


def test_an_agent_without_a_mandate_for_the_matter_opens_no_draft(city: City) -> None:
    headers = city.site.sign_in("ben", "a long enough password")
    me = city.site.client.get("/api/identity/me", headers=headers).json()
    subject = next(one["subject"] for one in me["principals"] if one["subject"].startswith("enterprise:"))
    chosen = city.site.client.post("/api/identity/me/acts-for", json={"subject": subject}, headers=headers)
    assert chosen.status_code < 300, chosen.text
    answered = city.site.client.post("/api/services/cases", json={"matter": "place.hygiene-licence"}, headers=headers)
    assert answered.status_code == 403


def test_of_two_officials_who_decide_at_once_one_wins_and_the_other_is_told(city: City) -> None:
    from uuid import UUID

    made = UUID(city.accepted())
    head, deputy = (
        Actor(kind="official", id=name, body=HEALTH, division="450100", reach="body") for name in ("head", "deputy")
    )
    units = city.site.kernel.units

    async def both() -> list[object]:
        return await asyncio.gather(
            units.write(head, cases.approve, made),
            units.write(deputy, cases.reject, made, "不符合条件"),
            return_exceptions=True,
        )

    outcomes = city.site.call(both)
    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Done"], outcomes
    assert next(one for one in outcomes if isinstance(one, Conflict)).status == 409


@pytest.mark.timeout(240)
def test_two_hundred_at_once_get_two_hundred_numbers(city: City) -> None:

    from gdbos.subjects import person_key

    from .conftest import ANNA, PLACE

    kernel = city.site.kernel
    subject = person_key(kernel.vault, ANNA)
    anna = Actor(kind="person", id="00000000-0000-7000-8000-000000000001", subject=subject, name="韦示例", trust="L2")

    def drafted(unit) -> UUID:  # type: ignore[no-untyped-def]
        who = cases.Applicant(subject=subject, name="韦示例")
        return cases.open_draft(unit, matter=PLACE, subject=subject, applicant=who, body=HEALTH, division="450100").id

    async def all_of_them() -> list[cases.Done]:
        made = [await kernel.units.write(anna, drafted) for _ in range(200)]
        return await asyncio.gather(*(kernel.units.write(anna, cases.submit, one, ANSWERS) for one in made))

    done = city.site.call(all_of_them)
    numbers = {one.number for one in done}
    assert len(numbers) == 200
    assert {one.state for one in done} == {cases.State.SUBMITTED}
