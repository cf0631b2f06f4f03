"""Three sets of codes for the source of a material: translated each way, refused where nothing corresponds, losses told."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.testing import TestClient

from gdbos.errors import NotFound, Problem
from gdbos.shipped import shipped
from gdbos.standards import NoCounterpart, Standards, load
from gdbos.standards.crosswalk import crosswalk, report, translate
from gdbos.standards.routes import ROUTES

ON = date(2026, 6, 1)
NATIONAL, REGION, CITY, MINISTRY = (
    "matter.material-source",
    "gx.material-source",
    "nanning.material-source",
    "ministry.material-source",
)


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load([shipped("standards")], {}, ["nanning", "ministry"])


@pytest.fixture(scope="module")
def client(standards: Standards) -> Any:
    def answer(_: Any, problem: Problem) -> Response[Any]:
        paths = [one.path for one in getattr(problem, "violations", [])]
        return Response({"code": problem.code, "violations": paths}, status_code=problem.status)

    app = Litestar(
        ROUTES,
        dependencies={"standards": Provide(lambda: standards, sync_to_thread=False)},
        exception_handlers={Problem: answer},
        state=State({"kernel": SimpleNamespace(standards=standards)}),
    )
    with TestClient(app) as client:
        yield client


SOURCES = {NATIONAL: ("10", "20", "99"), REGION: ("0", "1", "2"), CITY: ("1", "2", "3")}


@pytest.mark.parametrize("a", SOURCES)
@pytest.mark.parametrize("b", SOURCES)
def test_each_of_the_three_lists_is_translated_into_each_other(standards: Standards, a: str, b: str) -> None:
    if a == b:
        with pytest.raises(NotFound):
            crosswalk(standards, a, b, ON)
        return
    found = translate(standards, a, b, SOURCES[a], ON)
    assert tuple(one.to for one in found) == SOURCES[b]
    assert not any(one.loses for one in found)
    assert [one.title.zh for one in found] == [one.to_title.zh for one in found]  # type: ignore[union-attr]


def test_two_local_lists_meet_through_the_national_one(standards: Standards) -> None:
    assert report(standards, REGION, CITY, ON).through == [NATIONAL]
    assert report(standards, REGION, NATIONAL, ON).through == []


def test_codes_that_fall_together_are_told_and_have_no_way_back(standards: Standards) -> None:
    told = report(standards, MINISTRY, NATIONAL, ON)
    assert [one.code for one in told.rows if one.loses] == ["30", "99"]
    back = report(standards, NATIONAL, MINISTRY, ON)
    assert (back.without, back.unreached) == (["99"], ["30", "99"])
    with pytest.raises(NoCounterpart):
        translate(standards, NATIONAL, MINISTRY, ["99"], ON)


def test_every_code_without_a_counterpart_is_named(standards: Standards) -> None:
    with pytest.raises(NoCounterpart) as refused:
        translate(standards, "gx.material-necessity", "matter.material-necessity", ["1", "4", "5"], ON)
    assert [one.path for one in refused.value.violations] == ["$.codes[1]", "$.codes[2]"]
    assert report(standards, "gx.material-necessity", "matter.material-necessity", ON).without == ["4"]


def test_lists_that_nothing_connects_are_refused(standards: Standards) -> None:
    for other in ("gbt2261.sex", "nobody"):
        with pytest.raises(NotFound):
            report(standards, NATIONAL, other, ON)


def test_the_addresses(client: Any) -> None:
    path = f"/api/standards/crosswalks/{REGION}/{CITY}"
    answer = client.post(path, json={"codes": ["0", "2"]})
    assert [one["to"] for one in answer.json()["codes"]] == ["1", "3"]
    refused = client.post(path, json={"codes": ["0", "7"]})
    assert (refused.status_code, refused.json()) == (422, {"code": "no-counterpart", "violations": ["$.codes[1]"]})
    assert client.get(path).json()["through"] == [NATIONAL]
    assert client.get(f"/api/standards/crosswalks/{REGION}/nobody").status_code == 404


def test_the_crosswalks_are_listed_by_key(client: Any) -> None:
    found, after = [], ""
    while True:
        page = client.get("/api/standards/crosswalks", params={"limit": 2, "after": after}).json()
        found += [(one["of"], one["into"]) for one in page["items"]]
        if not (after := page["after"]):
            break
    assert {(REGION, NATIONAL), (CITY, NATIONAL), (MINISTRY, NATIONAL)} <= set(found)
    assert found == sorted(found) and len(found) == len(set(found))
