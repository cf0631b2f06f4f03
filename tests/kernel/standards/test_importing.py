"""Elements out of tables, databases' schemas and forms; and tables that read in as they were written."""

from __future__ import annotations

import csv
import io
import os
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gdbos import sheet
from gdbos.errors import Invalid, Unsupported
from gdbos.shipped import shipped
from gdbos.standards import Code, Element, Standards, load
from gdbos.standards.element_sheet import code_table, codes_of, element_table, elements_of
from gdbos.standards.importing import of_database, of_form, plain_id, with_ids
from gdbos.text import Text


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load([shipped("standards")], {}, ["qingxiu"])


def through(rows: Any, *, workbook: bool) -> list[tuple[str, ...]]:
    file = io.BytesIO()
    sheet.save(file, rows, as_workbook=workbook)
    file.seek(0)
    return list(sheet.rows(file))


@pytest.mark.parametrize("workbook", [True, False], ids=["xlsx", "csv"])
def test_every_shipped_element_and_code_list_makes_the_round_trip(standards: Standards, workbook: bool) -> None:
    elements = [one.value for one in standards.documents("elements")]
    assert elements_of(through(element_table(elements), workbook=workbook)) == elements
    for one in standards.documents("codes"):
        codes = list(one.value.code)[:300]
        assert codes_of(through(code_table(codes), workbook=workbook)) == codes


words = st.text("=+-@'\t广西代码aB1 ", max_size=12).map(lambda one: one.strip() or "x")


@settings(max_examples=40)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=5))
def test_what_begins_like_a_formula_comes_back_as_it_was_and_never_acts(names: list[tuple[str, str]]) -> None:
    elements = [Element(id=f"e{n}", title=Text(zh, en), form="any") for n, (zh, en) in enumerate(names)]
    made = io.BytesIO()
    sheet.save(made, element_table(elements), as_workbook=True)
    for row in load_workbook(made).active.iter_rows():  # type: ignore[union-attr]
        assert all(cell.data_type != "f" for cell in row)
    said = b"".join(sheet.lines(element_table(elements))).decode("utf-8-sig")
    assert not any(cell.startswith(sheet.ACTS) for row in csv.reader(io.StringIO(said)) for cell in row)
    if not any(name.startswith("'") for pair in names for name in pair):  # an apostrophe in front is CSV's own guard
        for workbook in (True, False):
            assert elements_of(through(element_table(elements), workbook=workbook)) == elements


def test_a_department_may_write_chinese_or_english_headings_in_any_order() -> None:
    rows = [
        ("表示*", "名称*", "name_en", "同义词", "备注"),
        ("n6", "邮政编码", "Postal code", "邮编；邮政编号", "忽略"),
    ]
    [found] = with_ids(elements_of(rows))
    assert (found.id, found.title.zh, found.form, found.synonyms) == (
        "postal-code",
        "邮政编码",
        "n6",
        ("邮编", "邮政编号"),
    )


def test_every_row_that_cannot_be_read_is_named() -> None:
    rows = [
        ("名称", "表示", "数据分级", "最小值"),
        ("甲", "n6", "secret", ""),
        ("乙", "xx", "", ""),
        ("丙", "d", "", "many"),
        ("丁", "d", "", ""),
    ]
    with pytest.raises(Invalid) as refused:
        elements_of(rows)
    assert [one.path for one in refused.value.violations] == ["$.rows[2].grade", "$.rows[3].form", "$.rows[4].minimum"]
    with pytest.raises(Invalid) as refused:
        elements_of([("名称",), ("甲",)])
    assert [one.path for one in refused.value.violations] == ["$.form"]


def test_dates_and_notes_of_codes_are_read() -> None:
    rows = [("代码", "名称", "生效日期", "说明"), ("01", "甲", "2026-01-01", "试行")]
    assert codes_of(rows) == [Code(code="01", title=Text("甲"), since=date(2026, 1, 1), note=Text("试行"))]


# Databases.

DDL = """CREATE TABLE t_person (
  person_name varchar(50), zjhm char(18), birth date, changed timestamp, balance numeric(12, 2), age integer, big bigint,
  alive boolean, remark text)"""
COMMENTS = ["COMMENT ON COLUMN t_person.person_name IS '姓名'", "COMMENT ON COLUMN t_person.zjhm IS '证件号码'"]


def test_a_schema_of_postgresql_is_read_with_its_comments() -> None:
    admin = create_engine("postgresql+psycopg://postgres@127.0.0.1/postgres", isolation_level="AUTOCOMMIT")
    name = f"gdbos_import_{uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        if "postgres" in os.environ.get("GDBOS_REQUIRE", ""):
            raise
        pytest.skip("no PostgreSQL answers on 127.0.0.1:5432")
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1/{name}")
    with engine.begin() as connection:
        for statement in (DDL, *COMMENTS):
            connection.execute(text(statement))
    found = {one.id: (one.title.zh, one.form) for one in of_database(engine)}
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
    assert found == {
        "t-person.person-name": ("姓名", "any..50"),
        "t-person.zjhm": ("证件号码", "any..18"),
        "t-person.birth": ("birth", "d"),
        "t-person.changed": ("changed", "dt"),
        "t-person.balance": ("balance", "n..12,2"),
        "t-person.age": ("age", "n..10,0"),
        "t-person.big": ("big", "n..18,0"),
        "t-person.alive": ("alive", "bl"),
        "t-person.remark": ("remark", "any"),
    }


def test_a_schema_without_comments_is_read_from_sqlite(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE 人员 (姓名 VARCHAR(20), code VARCHAR(6))"))
    found = list(of_database(engine))
    assert [(one.title.zh, one.source) for one in found] == [("姓名", "人员.姓名"), ("code", "人员.code")]
    assert len({one.id for one in with_ids(found)}) == 2


# Forms.

FORM = """
id = "old.form"
[[sections]]
id = "a"
fields = [
  { name = "citizen_id", element = "citizen-id" },
  { name = "work_unit", title = { zh = "工作单位", en = "Employer" }, form = "any..100" },
  { name = "remark" },
]
"""


def test_the_fields_of_a_form_that_name_no_element_are_proposed() -> None:
    assert [(one.id, one.title.zh, one.form) for one in of_form(FORM.encode())] == [
        ("work-unit", "工作单位", "any..100"),
        ("remark", "remark", "any..200"),
    ]


def test_the_shipped_forms_bring_nothing_new() -> None:
    for form in (shipped("standards") / "national" / "forms").glob("*.toml"):
        assert list(of_form(form.read_bytes())) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", Unsupported),
        (b"x = ", Unsupported),
        (b"x = 1", Invalid),
        (b'fields = [{name = "a", form = 3}]', Invalid),
        (b"fields = 3", Invalid),
    ],
)
def test_what_is_no_form_is_refused(content: bytes, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        list(of_form(content))


@given(st.text(max_size=30))
def test_any_name_makes_an_id_or_nothing(name: str) -> None:
    made = plain_id(name)
    assert made == plain_id(made)
    assert not made or made[0].isalnum()
