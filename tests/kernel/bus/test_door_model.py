"""What the door lets through equals what a model of three lines' thought says, over random worlds of grants, bases and calls.

The model is written from DESIGN §5 alone and shares no code with the door. Several worlds are tried at a time, all their calls at
once, so that calls that are let through and calls that are refused share one record. ``GDBOS_PROVE=1`` tries far more worlds.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nanning import ANNA, ANNA_NAME, BEN, MARKET, POLICE, TAX, Nanning, Neighbour, nanning, neighbour
from sqlalchemy import delete, insert

from gdbos.actor import Actor
from gdbos.bus.basis import bus_basis
from gdbos.bus.bus import Bus
from gdbos.bus.derived import Question
from gdbos.bus.grant import bus_grant, new_grant
from gdbos.errors import Forbidden, NoBasis, NoGrant
from gdbos.ids import new_id
from gdbos.subjects import person_key
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import running

WORLDS = 100_000 if os.environ.get("GDBOS_PROVE") else 300
TOGETHER = 10
"""So many worlds are there at the same time."""
FIELDS = ("citizen_id", "name", "sex", "birth_date")
CLEAR = {"citizen_id": ANNA, "name": ANNA_NAME, "sex": "1", "birth_date": "1985-03-12"}
MASKED = {"citizen_id": "450103********9995", "name": "韦*例", "sex": "***", "birth_date": "1985******"}
PEOPLE, NARROW, KEPT = "police.model.people", "police.model.narrow", "police.model.kept"
"""Three services of one system: of any matter, of one matter alone, and not shared (不予共享)."""
numbers = count(1)

ADULT, ELDER, WOMAN = "birth_date age >= 18", "birth_date age >= 90", "sex in 2"
ANSWERS = {ADULT: True, ELDER: False, WOMAN: False}
"""Of somebody born in 1985, and a man by the register."""

Since = st.sampled_from((None, None, None, None, -2, -1, 0, 1))
Until = st.sampled_from((None, None, None, None, 2, 1, 0, -1))
"""Hours from now; 0 is a moment ago."""
DIVISIONS = ("450100", "450103", "440100")
BODIES, SYSTEMS, MATTERS, CASES = (MARKET, TAX, POLICE), ("front", "back"), ("m.one", "m.two"), ("C1", "C2", "")
Fields = st.lists(st.sampled_from(FIELDS), unique=True, max_size=3)

services = st.sampled_from((*[PEOPLE] * 6, NARROW, NARROW, KEPT))
grants = st.fixed_dictionaries(
    {
        "service": services,
        "body": st.sampled_from(BODIES),
        "system": st.sampled_from(SYSTEMS),
        "provider": st.sampled_from((*[POLICE] * 6, TAX)),
        "fields": Fields,
        "clear": Fields | st.just(["*"]),
        "matters": st.lists(st.sampled_from(MATTERS), unique=True, max_size=2),
        "questions": st.just([])
        | st.just([])
        | st.lists(st.sampled_from((ADULT, "birth_date", "sex")), unique=True, max_size=2),
        "divisions": st.just([])
        | st.just([])
        | st.lists(st.sampled_from(("450000", *DIVISIONS)), unique=True, max_size=2),
        "state": st.sampled_from((*["live"] * 9, "draft", "refused", "revoked")),
        "since": Since,
        "until": Until,
    }
)
bases = st.fixed_dictionaries(
    {
        "subject": st.sampled_from((ANNA, BEN)),
        "body": st.sampled_from(BODIES),
        "matter": st.sampled_from(MATTERS),
        "case": st.sampled_from(CASES),
        "until": Until,
        "closed": st.sampled_from((False, False, True)),
    }
)
calls = st.fixed_dictionaries(
    {
        "service": services,
        "kind": st.sampled_from(("system", "system", "official")),
        "body": st.sampled_from(BODIES),
        "system": st.sampled_from(SYSTEMS),
        "matter": st.sampled_from((*MATTERS, "m.three")),
        "case": st.sampled_from(CASES),
        "division": st.sampled_from((*DIVISIONS, "450100", "450100")),
        "subject": st.sampled_from((ANNA, ANNA, BEN)),
        "ask": st.just([]) | st.just([]) | st.lists(st.sampled_from(tuple(ANSWERS)), unique=True, max_size=2),
    }
)


def inside(division: str, granted: list[str]) -> bool:
    """Whether a caller who sits in ``division`` is in one of those: of a province two digits count, of a city four."""
    counted = {"450000": "45", "450100": "4501", "450103": "450103", "440100": "4401"}
    return granted == [] or any(division.startswith(counted[one]) for one in granted)


def answers(grant: dict[str, Any], call: dict[str, Any]) -> str | dict[str, Any]:
    """What a call that asks is told: every question by the grant's leave, or none."""
    told = {}
    for question in call["ask"]:
        field = question.split(" ")[0]
        clear = field in grant["clear"] or "*" in grant["clear"]
        received = field in grant["fields"] or (grant["fields"] == [] and grant["questions"] == [])
        if not (question in grant["questions"] or field in grant["questions"] or (clear and received)):
            return "no-grant"
        told[question] = ANSWERS[question]
    return told


def model(world: dict[str, Any], call: dict[str, Any]) -> str | dict[str, Any]:
    """What must come of a call: a refusal by name, or exactly these values or answers."""
    if (call["service"] == KEPT and call["body"] != POLICE) or (
        call["service"] == NARROW and call["matter"] != "m.one"
    ):
        return "forbidden"
    grant = None
    for one in world["grants"]:  # the newest last
        same = one["body"] == call["body"] and one["system"] == call["system"] and one["state"] == "live"
        same = same and one["provider"] == POLICE and one["service"] == call["service"]  # who provides it
        begun = one["since"] is None or one["since"] <= 0
        ended = one["until"] is not None and one["until"] <= 0
        covers = (one["matters"] == [] or call["matter"] in one["matters"]) and inside(
            call["division"], one["divisions"]
        )
        if same and begun and not ended and covers:
            grant = one
    if grant is None or (not call["ask"] and grant["questions"] and not grant["fields"]):
        return "no-grant"
    if call["ask"] and answers(grant, call) == "no-grant":
        return "no-grant"
    for basis in world["bases"]:
        named = (basis["body"], basis["matter"], basis["case"]) == (call["body"], call["matter"], call["case"])
        if (
            named
            and basis["subject"] == call["subject"]
            and not basis["closed"]
            and (basis["until"] is None or basis["until"] > 0)
        ):
            break
    else:
        return "no-basis"
    if call["ask"]:
        return answers(grant, call)
    shown = {}
    for field in FIELDS:
        if not grant["fields"] or field in grant["fields"]:
            shown[field] = CLEAR[field] if field in grant["clear"] or "*" in grant["clear"] else MASKED[field]
    return shown


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("model")
    with ExitStack() as stack:
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        url = f"sqlite:///{folder}/home/gdbos.db"
        found = stack.enter_context(nanning(folder, url, departments, scripted))
        offer(found, scripted)
        yield found


def offer(city: Nanning, scripted: Neighbour) -> None:
    """The services that all worlds call; their system always answers the same."""
    scripted.answer = lambda body: CLEAR
    for code, more in ((PEOPLE, {}), (NARROW, {"matters": ["m.one"]}), (KEPT, {"sharing": "not-shared"})):
        service = {
            "code": code,
            "title": {"zh": "人员查询", "en": "People"},
            "takes": "nanning.population.query",
            "gives": "nanning.population.person",
            "subject": {"kind": "person", "field": "citizen_id"},
            "settings": {
                "base": "{neighbour}",
                "concurrency": 100,
                "path": "/people",
                "request": {"citizen_id": "citizen_id"},
                "response": {field: field for field in FIELDS},
            },
        }
        registered = city.system(POLICE).ask("ApiBusServicesRegister", service | more)
        assert registered.status_code == 201, registered.text


def plant(unit: Unit, world: dict[str, Any], mark: str) -> None:
    """The world as rows; ``mark`` keeps its systems and cases apart from those of other worlds."""

    def at(hours: int | None) -> datetime | None:
        return None if hours is None else unit.now + timedelta(hours=hours, seconds=-1 if hours <= 0 else 1)

    for one in world["grants"]:
        grant = new_grant(
            body=one["body"], system=one["system"] + mark, service=one["service"], provider=one["provider"]
        )
        row = {name: getattr(grant, name) for name in grant.__struct_fields__}
        row |= {name: one[name] for name in ("fields", "clear", "matters", "questions", "divisions", "state")}
        row |= {"since": at(one["since"]), "until": at(one["until"]), "changed_at": unit.now, "rate": 10_000}
        unit.execute(insert(bus_grant).values(row))
    for basis in world["bases"]:
        row = {name: basis[name] for name in ("body", "matter")}
        row |= {"id": str(new_id()), "case": basis["case"] + mark, "kind": "case", "opened_at": unit.now}
        row |= {"subject": person_key(unit.vault, basis["subject"]), "until": at(basis["until"])}
        unit.execute(
            insert(bus_basis).values(row | {"closed_at": unit.now if basis["closed"] else None, "permission": ""})
        )


def forget(unit: Unit, mark: str) -> None:
    """A world that has been looked at is gone: a node that remembered a hundred thousand of them would crawl."""
    unit.execute(delete(bus_grant).where(bus_grant.c.system.endswith(mark, autoescape=True)))
    unit.execute(delete(bus_basis).where(bus_basis.c.case.endswith(mark, autoescape=True)))


async def door(city: Nanning, call: dict[str, Any], mark: str) -> str | dict[str, Any]:
    """What the door makes of it."""
    system = call["system"] + mark
    who = system if call["kind"] == "system" else "somebody"
    actor = Actor(kind=call["kind"], id=who, body=call["body"], division=call["division"], reach="body")
    bus = Bus(city.site.kernel.door, actor, system)
    asked, case = [Question(*words.split(" ", 1)) for words in call["ask"]], call["case"] + mark
    value = {"citizen_id": call["subject"]}
    try:
        reply = await bus.call(call["service"], value, matter=call["matter"], case=case, ask=asked)
    except (NoGrant, NoBasis, Forbidden) as refused:
        return refused.code
    assert isinstance(reply.call, UUID)
    return dict(reply.value)


def likely(world: dict[str, Any]) -> list[dict[str, Any]]:
    """Calls that the first grant of a world may well let through, and their basis; or most worlds would only ever refuse."""
    if not world["grants"]:
        return []
    like = world["grants"][0]
    call = {name: like[name] for name in ("body", "system", "service")}
    division = next((one for one in like["divisions"] if one != "450000"), "450103")
    call |= {"kind": "system", "matter": (like["matters"] or ["m.one"])[0], "division": division, "subject": ANNA}
    call |= {"case": "C1", "ask": []}
    basis = {name: call[name] for name in ("subject", "body", "matter", "case")}
    world["bases"].append(basis | {"until": None, "closed": False})
    others = ({"ask": [ADULT]}, {"ask": [WOMAN]}, {"case": "C2"}, {"subject": BEN}, {"division": "440100"})
    return [call, *(call | other for other in others)]


worlds = st.fixed_dictionaries(
    {
        "grants": st.lists(grants, max_size=5),
        "bases": st.lists(bases, max_size=5),
        "calls": st.lists(calls, min_size=1, max_size=4),
    }
)


@given(tried=st.lists(worlds, min_size=TOGETHER, max_size=TOGETHER))
@settings(
    max_examples=WORLDS // TOGETHER,
    derandomize=not os.environ.get("GDBOS_PROVE"),
    suppress_health_check=list(HealthCheck),
)
def test_the_door_does_what_the_model_says(city: Nanning, tried: list[dict[str, Any]]) -> None:
    marked = [(world, f".w{next(numbers)}") for world in tried]
    every = [(world, call, mark) for world, mark in marked for call in (*world["calls"], *likely(world))]

    def planted(unit: Unit) -> None:
        for world, mark in marked:
            plant(unit, world, mark)
        unit.announce("grants")

    async def called() -> list[str | dict[str, Any]]:
        return await asyncio.gather(*(door(city, call, mark) for _, call, mark in every))

    def forgotten(unit: Unit) -> None:
        for _, mark in marked:
            forget(unit, mark)

    city.site.unit(planted)
    city.scripted.asked.clear()
    wanted = [model(world, call) for world, call, _ in every]
    for (_, call, _), found, right in zip(every, city.site.call(called), wanted, strict=True):
        assert found == right, call
    shown = Counter(
        call["subject"] for (_, call, _), right in zip(every, wanted, strict=True) if isinstance(right, dict)
    )
    assert Counter(body["citizen_id"] for body in city.scripted.asked) == shown, "nobody else was asked about"
    city.site.unit(forgotten)
