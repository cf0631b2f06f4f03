"""Finding one's way: full text in Chinese and English, everywhere an item is used, and what lower levels changed."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.testing import TestClient

from gdbos import sheet
from gdbos.errors import NotFound, Problem
from gdbos.shipped import shipped
from gdbos.standards import Code, Standards, load
from gdbos.standards.drift import below, drift
from gdbos.standards.element_sheet import codes_of, elements_of
from gdbos.standards.routes import ROUTES
from gdbos.standards.toml import toml_of
from gdbos.text import Text

ON = date(2026, 6, 1)


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load([shipped("standards")], {}, ["nanning"])


@pytest.fixture(scope="module")
def client(standards: Standards) -> Iterator[TestClient[Any]]:
    def answer(_: Any, problem: Problem) -> Response[Any]:
        return Response({"code": problem.code}, status_code=problem.status)

    app = Litestar(
        ROUTES,
        dependencies={"standards": Provide(lambda: standards, sync_to_thread=False)},
        exception_handlers={Problem: answer},
        state=State({"kernel": SimpleNamespace(standards=standards)}),
    )
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("统一社会信用代码", "elements/uscc"),
        ("纳税人识别号", "elements/uscc"),
        ("uscc", "elements/uscc"),
        ("unified credit", "elements/uscc"),
        ("法定代表人 姓名", "elements/legal-representative-name"),
        ("行政许可决定", "deadlines/licence-decision"),
        ("性别", "codes/gbt2261.sex"),
    ],
)
def test_the_best_hit_comes_first(standards: Standards, words: str, first: str) -> None:
    [best, *_] = standards.search(words, ON)
    assert f"{best.kind}/{best.id}" == first
    assert best.exact


def test_a_list_is_found_by_what_its_codes_are_called(standards: Standards) -> None:
    assert "matter.material-necessity" in [one.id for one in standards.search("容缺后补", ON)]


def test_where_nothing_holds_the_words_near_names_are_offered_as_such(standards: Standards) -> None:
    found = standards.search("统一社会信用证代码", ON)
    assert found and not any(one.exact for one in found)
    assert found[0].id in ("uscc", "entrusted-code")
    assert standards.search("咕噜咕噜", ON) == standards.search(" ", ON) == []


def test_a_kind_and_a_day_narrow_the_search(standards: Standards) -> None:
    assert {one.kind for one in standards.search("行政许可", ON, "deadlines")} == {"deadlines"}
    assert not any(one.exact for one in standards.search("无条件共享申请答复", date(2025, 1, 1)))
    assert standards.search("无条件共享申请答复", ON)[0].id == "sharing-reply-unconditional"


@settings(max_examples=200)
@given(st.data())
def test_every_part_of_every_name_finds_its_element(standards: Standards, data: st.DataObject) -> None:
    element = data.draw(st.sampled_from(sorted(standards.ids("elements"))))
    name = standards.element(element).title.zh
    start = data.draw(st.integers(0, len(name) - 1))
    part = name[start : data.draw(st.integers(start + 1, len(name)))].strip()
    hits = standards.search(part, ON, "elements", limit=10_000) if part else []
    assert not part or element in {one.id for one in hits}


def test_an_element_is_found_everywhere_it_is_used(client: TestClient[Any]) -> None:
    items = client.get("/api/standards/uses/elements/uscc").json()["items"]
    found = {f"{one['kind']}/{one['id']}": one["through"] for one in items}
    assert found["records/enterprise.register"] == ""
    assert client.get("/api/standards/uses/codes/gbt2261.sex").json()["items"][0]["kind"] == "elements"
    assert client.get("/api/standards/uses/elements/nobody").status_code == 404


class Named(msgspec.Struct):
    id: str
    title: Any = None
    sections: list[Any] = []
    form: str = ""


FORMS = 'id = "f"\ntitle = {zh = "表"}\n[[sections]]\nfields = [{element = "x"}]\n'


def test_a_matter_uses_an_element_through_its_form(packs: Any) -> None:
    packs.write(
        "national",
        {
            "elements/x.toml": '[[element]]\nid = "x"\ntitle = {zh = "甲"}\nform = "n6"\n',
            "forms/f.toml": FORMS,
            "matters/m.toml": 'id = "m"\nform = "f"\n',
        },
    )
    standards = packs.load({"forms": Named, "matters": Named})
    assert [one.id for one in standards.users("elements", "x", ON)] == ["f"]
    assert [one.id for one in standards.users("forms", "f", ON)] == ["m"]


def test_drift_tells_what_each_lower_level_changed(packs: Any) -> None:
    packs.national()
    packs.write(
        "gx",
        {"deadlines/d.toml": '[[deadline]]\nid = "decision"\ndays = 15\nlocked = ["unit"]\n'},
        "province",
        ["national"],
    )
    packs.write("nn", {"deadlines/d.toml": '[[deadline]]\nid = "decision"\ndays = 10\n'}, "city", ["gx"])
    packs.write(
        "qx", {"deadlines/d.toml": '[[deadline]]\nid = "decision"\ndays = 5\nnote = {zh = "快"}\n'}, "county", ["nn"]
    )
    standards = packs.load()
    assert below(standards, "gx") == ("nn", "qx")
    [nation] = drift(standards, "national", ON)
    assert [(one.pack, one.field, one.old, one.new) for one in nation.changes if one.field == "days"] == [
        ("gx", "days", 20, 15),
        ("nn", "days", 15, 10),
        ("qx", "days", 10, 5),
    ]
    told = {(one.pack, one.field): one.words for one in nation.changes}
    assert told["gx", "days"] == Text("天数 20 → 15", "days 20 → 15")
    assert told["qx", "note"].zh.endswith("无 → 快")
    [province] = drift(standards, "gx", ON)
    assert {one.pack for one in province.changes} == {"nn", "qx"}
    assert (province.count("qx"), province.count("nn"), province.locked) == (2, 1, {"unit": "gx"})
    assert [one.key for one in drift(standards, "gx", ON, pack="qx")] == ["deadlines/decision"]
    assert list(drift(standards, "qx", ON)) == list(drift(standards, "national", ON, "codes")) == []
    with pytest.raises(NotFound):
        list(drift(standards, "nobody", ON))


def test_drift_is_paged_by_key(client: TestClient[Any]) -> None:
    keys, after = [], ""
    while True:
        page = client.get("/api/standards/drift/national", params={"limit": 2, "after": after}).json()
        keys += [f"{one['kind']}/{one['id']}" for one in page["items"]]
        if not (after := page["after"]):
            break
    assert keys == sorted(set(keys)) and "deadlines/sharing-reply-conditional" in keys
    assert client.get("/api/standards/drift/nobody").status_code == 404


def test_elements_and_lists_come_as_workbooks_that_read_in_as_they_were(
    client: TestClient[Any], standards: Standards
) -> None:
    elements = client.get("/api/standards/tables/elements", params={"on": "2026-06-01"})
    assert elements.headers["content-type"].startswith(sheet.XLSX)
    found = elements_of(sheet.rows(io.BytesIO(elements.content)))
    assert found == [one.value for one in standards.documents("elements", ON)]
    codes = client.get("/api/standards/tables/codes/case.status").content
    assert codes_of(sheet.rows(io.BytesIO(codes))) == list(standards.codes("case.status", ON).definition.code)
    assert client.get("/api/standards/tables/codes/nobody").status_code == 404


def test_a_table_of_codes_becomes_a_file_for_a_pack(client: TestClient[Any], standards: Standards) -> None:
    content = client.get("/api/standards/tables/codes/matter.topic").content
    sent = client.post(
        "/api/standards/tables/codes", files={"file": ("c.xlsx", content)}, data={"id": "mine", "title": "我的"}
    )
    assert sent.headers["content-type"].startswith("application/toml")
    table = tomllib.loads(sent.text)
    assert (table["id"], table["title"], len(table["code"])) == (
        "mine",
        {"zh": "我的"},
        len(standards.codes("matter.topic", ON)),
    )
    broken = client.post("/api/standards/tables/codes", files={"file": ("c.csv", "名称\n甲\n".encode())})
    assert broken.status_code == 422


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_is_written_as_toml_reads_as_it_was(zh: str, en: str) -> None:
    written = toml_of({"id": "x"}, {"code": [Code(code="1", title=Text(zh, en), since=date(2026, 1, 1))]})
    assert tomllib.loads(written)["code"] == [{"code": "1", "title": {"zh": zh, "en": en}, "from": date(2026, 1, 1)}]
