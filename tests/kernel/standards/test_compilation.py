"""What a record compiles to says the same as its decoder: schema, DDL on a real PostgreSQL, workbook, page."""

from __future__ import annotations

import io
import json
import math
import os
import random
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
import jsonschema
import jsonschema_rs
import pytest
from click.testing import CliRunner
from hypothesis import Phase, find, settings
from openpyxl import load_workbook
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gdbos.errors import Invalid
from gdbos.shipped import shipped
from gdbos.standards import Record, Standards, load
from gdbos.standards.commands import standards as command
from gdbos.standards.compilation import OUTPUTS
from gdbos.standards.compiled import Part
from gdbos.standards.element import form

ON = date(2026, 6, 1)
PROVE = bool(os.environ.get("GDBOS_PROVE"))
INSTANCES = 100_000 if PROVE else 1_500
POSTGRES = "postgresql+psycopg://postgres@127.0.0.1"


@pytest.fixture(scope="module")
def shipped_standards() -> Standards:
    return load([shipped("standards")], {}, ["nanning"])


@pytest.fixture(scope="module")
def records(shipped_standards: Standards, standards: Standards) -> list[Record]:
    found = [shipped_standards.record(one.id, ON) for one in shipped_standards.documents("records", ON)]
    return [*found, standards.record("person", ON)]


# Schemas and decoders over generated instances.

ODD: list[Any] = [None, 0, -1, 1, 1.5, 10**19, 1e300, "", " ", "1", "x" * 60, "1\n", "２０２６", "2026-02-30", "2026-06-01T08:00:00",
                  "2026-06-01T08:00:00Z", "2026-06-01t08:00:00+08:00", "\x00", [], [""], ["1"], {}, True, "true", "é" * 300]  # fmt: skip


class Instances:
    """Right, nearly right and wrong values of records, made from the elements' forms."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fitting: dict[str, list[str]] = {}

    def of(self, record: Record) -> dict[str, Any]:
        made = {
            part.field.name: self.value(part)
            for part in record.parts
            if part.field.required or self.random.random() < 0.7
        }
        for _ in range(self.random.choice((0, 0, 1, 2))):
            name = self.random.choice([*record.names, "unheard_of"])
            made[name] = self.random.choice([*ODD, made.get(name), [made.get(name)], self.stretched(made.get(name))])
        if self.random.random() < 0.1 and made:
            made.pop(self.random.choice(sorted(made)))
        return made

    def value(self, part: Part) -> Any:
        return [self.single(part) for _ in range(self.random.randint(1, 3))] if part.field.repeat else self.single(part)

    def stretched(self, value: Any) -> Any:
        """``value`` a sign shorter or longer than it fitted."""
        return self.random.choice((value[:-1], value + value[-1:])) if isinstance(value, str) else value

    def single(self, part: Part) -> Any:
        read = form(part.element.form)
        if read.kind == "number":
            most = 10 ** (read.longest - read.decimals) - 1
            least, most = part.element.minimum or 0, min(most, 10**9, part.element.maximum or 10**9)
            whole = self.random.randint(math.ceil(least), math.floor(most))
            return (
                whole
                if not read.decimals
                else round(whole + self.random.random(), self.random.randint(0, read.decimals))
            )
        if read.kind in ("d", "dt", "bl"):
            return {"d": "2026-06-01", "dt": "2026-06-01T08:00:00+08:00", "bl": True}[read.kind]
        if part.element.pattern:
            return self.random.choice(self.examples(part.element.pattern))
        letters = {"an": "aZ09-~!", "n": "0123456789", "a": "azAZ", "any": "广西 x\t😀é1\n"}[read.kind]
        longest = read.longest or 40
        shortest = read.shortest or 1
        length = self.random.choice((shortest, longest, self.random.randint(shortest, longest)))
        return "".join(self.random.choice(letters) for _ in range(length))

    def examples(self, pattern: str) -> list[str]:
        if pattern not in self.fitting:
            whole = st.from_regex(pattern, fullmatch=True)
            quick = settings(max_examples=50, phases=[Phase.generate], database=None, derandomize=True)
            self.fitting[pattern] = [find(whole, lambda _: True, settings=quick, random=self.random) for _ in range(5)]
        return self.fitting[pattern]


def decodes(record: Record, body: str) -> bool:
    try:
        record.decode(body)
    except Invalid:
        return False
    return True


def test_schemas_and_decoders_agree_over_generated_instances(records: list[Record]) -> None:
    """``GDBOS_PROVE=1``: 100,000 instances."""
    instances, right = Instances(4), 0
    validators = [jsonschema_rs.Draft202012Validator(one.schema(), validate_formats=True) for one in records]
    for number in range(INSTANCES):
        record, validator = records[number % len(records)], validators[number % len(records)]
        body = json.dumps(instances.of(record))
        decoded = decodes(record, body)
        assert validator.is_valid(json.loads(body)) == decoded, (record.id, body)
        right += decoded
    assert 0.2 < right / INSTANCES < 0.8


def test_every_schema_is_accepted_by_validators(records: list[Record]) -> None:
    for record in records:
        jsonschema.Draft202012Validator.check_schema(record.schema())
        jsonschema_rs.meta.validate(record.schema())


# DDL.


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    admin = create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    name = f"gdbos_ddl_{uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        if "postgres" in os.environ.get("GDBOS_REQUIRE", ""):
            raise
        pytest.skip("no PostgreSQL answers on 127.0.0.1:5432")
    engine = create_engine(f"{POSTGRES}/{name}")
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def test_postgresql_takes_the_ddl_of_every_record(database: Any, records: list[Record]) -> None:
    with database.begin() as connection:
        for record in records[:-1]:
            connection.exec_driver_sql(OUTPUTS["sql"].make(record).decode().replace("%", "%%"))
        said = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(text(said)).scalar_one() == len(records) - 1
        connection.rollback()


def test_the_database_refuses_what_the_decoder_refuses(database: Any, standards: Standards) -> None:
    record = standards.record("person", ON)
    good = {
        "citizen_id": "11010519491231002X",
        "name": "张三",
        "sex": "1",
        "amount": 12.5,
        "trips": 3,
        "months": ["202601"],
    }
    with database.begin() as connection:
        connection.exec_driver_sql(OUTPUTS["sql"].make(record).decode().replace("%", "%%"))
    assert inserted(database, good) and decodes(record, json.dumps(good))
    for name, value in [
        ("citizen_id", "short"),
        ("name", ""),
        ("name", None),
        ("sex", "x"),
        ("amount", -1),
        ("trips", 100),
        ("months", []),
    ]:
        bad = {**good, name: value}
        assert not inserted(database, bad), name
        assert not decodes(record, json.dumps(bad)), name


def inserted(database: Any, row: dict[str, Any]) -> bool:
    names = ", ".join(row)
    try:
        with database.begin() as connection:
            connection.execute(
                text(f"INSERT INTO person ({names}) VALUES ({', '.join(':' + one for one in row)})"), row
            )
    except Exception:
        return False
    return True


# Workbook, page, component, command.


def test_the_workbook_offers_the_codes_in_force(standards: Standards) -> None:
    book = load_workbook(io.BytesIO(OUTPUTS["xlsx"].make(standards.record("person", ON))))
    sheet = book["数据"]
    assert [cell.value for cell in sheet[1]][:3] == ["公民身份号码*", "姓名*", "性别"]
    assert [cell.value for cell in sheet[2]][:3] == ["citizen_id", "name", "sex"]
    [choice] = sheet.data_validations.dataValidation
    assert (str(choice.sqref), choice.formula1) == ("C3:C5000", "代码!$A$2:$A$3")
    assert [row[0].value for row in book["代码"].iter_rows()] == ["sex", "1", "2"]
    assert book["说明"]["A2"].value == "citizen_id"


def test_the_page_says_everything_in_both_languages_and_escapes(packs: Any) -> None:
    packs.write("national", {"elements/x.toml": '[[element]]\nid = "x"\ntitle = {zh = "<b>甲</b>", en = "A&B"}\nform = "n6"\nsource = "GB/T 1"\n',
                             "records/r.toml": 'id = "r"\ntitle = {zh = "集", en = "Set"}\nfield = [{name = "x", element = "x", required = true}]\n'})  # fmt: skip
    page = OUTPUTS["html"].make(packs.load().record("r", ON)).decode()
    assert "&lt;b&gt;甲&lt;/b&gt;" in page and "A&amp;B" in page and "GB/T 1" in page and "<b>甲" not in page


def test_the_component_can_be_referred_to(standards: Standards) -> None:
    document = json.loads(OUTPUTS["openapi"].make(standards.record("person", ON)))
    assert document["openapi"] == "3.1.0"
    assert document["components"]["schemas"]["person"]["required"] == ["citizen_id", "name"]


def test_the_command_writes_files(standards: Standards, tmp_path: Any) -> None:
    class Context:
        def standards(self) -> Standards:
            return standards

    done = CliRunner().invoke(
        command, ["compile", "person", "--on", "2026-06-01", "--out", str(tmp_path)], obj=Context()
    )
    assert done.exit_code == 0, done.output
    endings = {"person.schema.json", "person.openapi.json", "person.sql", "person.xlsx", "person.html"}
    assert {one.name for one in tmp_path.iterdir()} == endings
