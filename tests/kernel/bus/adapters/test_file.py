"""Drop folders: what a department delivers is looked up when it is what its list says, and refused by name when it is not."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import hashlib
import io
import json
import os
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from gdbos.bus.adapters.file import File, FileSettings
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.sheets import rows_of
from gdbos.errors import Invalid, Misconfigured, NotFound, ProviderFailed, ProviderTimeout, Unavailable

from .asking import asking, run

HEADINGS = ["tyxydm", "dwmc", "zgrs", "ssy"]
ROWS = [
    ["91450103MADEM00112", "南宁演示有限公司", "5", "not registered"],
    ["91450103MADEM002XR", '=cmd|"/c calc"!A1', "12", "-"],
    ["92450103MADEM0038N", '+1; 韦𬍛, "quoted"\n@SUM(A1)', "0", ""],
]
TABLE = {
    "folder": "{drop}",
    "columns": {"tyxydm": "text", "dwmc": "text", "zgrs": "number"},
    "where": {"column": "tyxydm", "equals": "uscc"},
    "response": {"name": "dwmc", "staff": "zgrs"},
}


def as_csv(rows=ROWS, charset="utf-8", delimiter=",", headings=HEADINGS):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([headings, *rows])
    return text.getvalue().encode(charset)


def as_ndjson(rows=ROWS, charset="utf-8"):
    return "\n".join(json.dumps(dict(zip(HEADINGS, r, strict=True)), ensure_ascii=False) for r in rows).encode(charset)


def as_xlsx(rows=ROWS, headings=HEADINGS):
    book = openpyxl.Workbook()
    for row in [headings, *rows]:
        book.active.append(row)
        for cell in book.active[book.active.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def deliver(folder, files, *, rows=None, as_of="2026-11-28T22:00:00+08:00", **changes):
    """Write files, then the list that names them, as the documentation asks departments to."""
    listed = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        counted = len(ROWS) if rows is None else rows
        listed.append({"name": name, "sha256": hashlib.sha256(content).hexdigest(), "rows": counted, **changes})
    (folder / ".new").write_text(json.dumps({"as_of": as_of, "files": listed}))
    (folder / ".new").rename(folder / "manifest.json")


def file_settings(place, **changes):
    return settings_of(FileSettings, {**TABLE, **changes}, {"drop": str(place)}, service="the.service")


@contextlib.asynccontextmanager
async def looking(folder):
    way = File([str(folder)], Lines())
    try:
        yield way
    finally:
        await way.aclose()


def look(folder, uscc="91450103MADEM00112", **changes):
    async def main():
        async with looking(folder) as way:
            return await way.ask(file_settings(folder, **changes), asking({"uscc": uscc}))

    return run(main())


FORMS = {
    "csv": (as_csv(), {}),
    "csv with a mark": (b"\xef\xbb\xbf" + as_csv(), {}),
    "csv in GB18030": (as_csv(charset="gb18030", delimiter="\t"), {"charset": "gb18030", "delimiter": "\t"}),
    "xlsx": (as_xlsx(), {"format": "xlsx"}),
    "ndjson": (as_ndjson(), {"format": "ndjson"}),
    "ndjson in GB18030": (as_ndjson(charset="gb18030"), {"format": "ndjson", "charset": "gb18030"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows_and_says_as_of_when(tmp_path, form):
    content, changes = FORMS[form]
    deliver(tmp_path, {"accounts.dat": content})
    answered = look(tmp_path, **changes)
    assert answered.value == {"name": "南宁演示有限公司", "staff": 5}
    assert answered.as_of.isoformat() == "2026-11-28T22:00:00+08:00" and not answered.stale
    with pytest.raises(NotFound):
        look(tmp_path, "11450000007565194H", **changes)


@pytest.mark.parametrize("form", FORMS)
def test_what_looks_like_a_formula_is_only_text(tmp_path, form):
    content, changes = FORMS[form]
    deliver(tmp_path, {"accounts.dat": content})
    assert look(tmp_path, "91450103MADEM002XR", **changes).value["name"] == '=cmd|"/c calc"!A1'
    assert look(tmp_path, "92450103MADEM0038N", **changes).value["name"] == ROWS[2][1]


def test_ranges_and_lists_run_over_several_files(tmp_path):
    deliver(tmp_path, {"a.csv": as_csv(ROWS[:1]), "b.csv": as_csv(ROWS[1:])}, rows=1)
    listed = json.loads((tmp_path / "manifest.json").read_text())
    listed["files"][1]["rows"] = 2
    (tmp_path / "manifest.json").write_text(json.dumps(listed))
    where = {"column": "zgrs", "least": "from", "most": "until"}

    async def main():
        async with looking(tmp_path) as way:
            chosen = file_settings(tmp_path, where=where, rows="list", order=["zgrs"])
            both = await way.ask(chosen, asking({"from": 1, "until": 12}))
            assert both.value["staff"] == [5, 12]
            chosen = file_settings(tmp_path, where={"column": "tyxydm", "among": "those"}, rows="list")
            assert len((await way.ask(chosen, asking({"those": [ROWS[0][0], ROWS[2][0]]}))).value["name"]) == 2

    run(main())


def test_a_new_delivery_takes_the_place_of_the_old_one(tmp_path):
    async def main():
        async with looking(tmp_path) as way:
            chosen = file_settings(tmp_path)
            deliver(tmp_path, {"accounts.csv": as_csv()})
            first = await way.ask(chosen, asking({"uscc": ROWS[0][0]}))
            changed = [[ROWS[0][0], "更名有限公司", "6", ""]]
            deliver(tmp_path, {"accounts-2.csv": as_csv(changed)}, rows=1, as_of="2026-11-29T22:00:00+08:00")
            second = await way.ask(chosen, asking({"uscc": ROWS[0][0]}))
            assert (first.value["staff"], second.value["staff"]) == (5, 6) and first.as_of < second.as_of
            with pytest.raises(NotFound):
                await way.ask(chosen, asking({"uscc": ROWS[1][0]}))

    run(main())


def test_a_refused_delivery_is_looked_at_again_once_it_is_mended(tmp_path):
    async def main():
        async with looking(tmp_path) as way:
            deliver(tmp_path, {"accounts.csv": as_csv()})
            (tmp_path / "accounts.csv").write_bytes(as_csv()[:-1])
            for _ in range(2):
                with pytest.raises(ProviderFailed, match=r"accounts\.csv.*SHA-256"):
                    await way.ask(file_settings(tmp_path), asking({"uscc": ROWS[0][0]}))
            (tmp_path / "accounts.csv").write_bytes(as_csv())
            assert (await way.ask(file_settings(tmp_path), asking({"uscc": ROWS[0][0]}))).value["staff"] == 5

    run(main())


def bomb():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"<" + b" " * 30_000_000)
    return content.getvalue()


def with_doctype(encoding):
    content, original = io.BytesIO(), zipfile.ZipFile(io.BytesIO(as_xlsx()))
    with zipfile.ZipFile(content, "w") as packed:
        for member in original.infolist():
            body = original.read(member)
            if member.filename == "xl/worksheets/sheet1.xml":
                body = ('<!DOCTYPE x [<!ENTITY a "b">]>' + body.decode()).encode(encoding)
            packed.writestr(member, body)
    return content.getvalue()


def with_formula():
    book = openpyxl.Workbook()
    book.active.append(HEADINGS)
    book.active.append([ROWS[0][0], "=1+1", 5, ""])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


REFUSED = {
    "another checksum": (as_csv(), {}, {"sha256": "0" * 64}, "SHA-256"),
    "fewer rows than listed": (as_csv(), {}, {"rows": 4}, "rows"),
    "more rows than listed": (as_csv(), {}, {"rows": 2}, "rows"),
    "larger than agreed": (as_csv(), {"max_file_bytes": 20}, {}, "larger"),
    "a column less": (as_csv(headings=["tyxydm", "dwmc", "other", "ssy"]), {}, {}, "lacks a registered column"),
    "a heading twice": (as_csv(headings=["tyxydm", "dwmc", "zgrs", "zgrs"]), {}, {}, "headings"),
    "a value too many": (as_csv([*ROWS[:2], [*ROWS[2], "x"]]), {}, {}, "row 3"),
    "a word where a number is agreed": (as_csv([*ROWS[:2], [ROWS[2][0], "x", "many", ""]]), {}, {}, "row 3"),
    "an open quotation": (as_csv() + b'"', {}, {"rows": 4}, "CSV"),
    "GB18030 where UTF-8 is agreed": (as_csv(charset="gb18030"), {}, {}, "character set"),
    "NUL": (as_csv([["a", "b\0c", "1", ""]]), {}, {"rows": 1}, "NUL"),
    "an endless line": (b"a" * 2_000_000, {}, {}, "too long"),
    "nothing": (b"", {}, {"rows": 0}, "headings"),
    "no JSON": (as_csv(), {"format": "ndjson"}, {}, "JSON"),
    "nested without end": (b'{"a":' * 100_000, {"format": "ndjson"}, {}, "JSON"),
    "a list in a column": (b'{"tyxydm": [], "dwmc": "", "zgrs": 1}', {"format": "ndjson"}, {"rows": 1}, "row 1"),
    "no workbook": (as_csv(), {"format": "xlsx"}, {}, "XLSX"),
    "half a workbook": (as_xlsx()[:-200], {"format": "xlsx"}, {}, "XLSX"),
    "a bomb": (bomb(), {"format": "xlsx"}, {}, "unpacks"),
    "a document type": (with_doctype("utf-8"), {"format": "xlsx"}, {}, "document type"),
    "a document type in UTF-16": (with_doctype("utf-16"), {"format": "xlsx"}, {}, "document type"),
    "a formula": (with_formula(), {"format": "xlsx"}, {"rows": 1}, "formula"),
    "an identity number kept as a number": (
        as_xlsx([[450103198503129995, "x", 1, ""]]),
        {"format": "xlsx"},
        {"rows": 1},
        "more digits",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_does_not_match_is_refused_and_named(tmp_path, case):
    content, changes, listed, told = REFUSED[case]
    deliver(tmp_path, {"accounts.dat": content}, **listed)
    with pytest.raises(ProviderFailed, match=told) as caught:
        look(tmp_path, **changes)
    assert "accounts.dat" in caught.value.message() and "91450103" not in caught.value.message()


@pytest.mark.parametrize(
    "listed",
    [
        {"name": "../secret.csv"},
        {"name": "/etc/passwd"},
        {"name": "a/b.csv"},
        {"name": ".hidden"},
        {"rows": -1},
        {"sha256": "short"},
        {"more": 1},
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, listed):
    deliver(tmp_path, {"accounts.csv": as_csv()}, **listed)
    with pytest.raises(ProviderFailed, match=r"manifest\.json"):
        look(tmp_path)


def test_links_pipes_and_folders_are_no_deliveries(tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "elsewhere.csv").write_bytes(as_csv())
    for make in (
        lambda path: path.symlink_to(tmp_path / "elsewhere.csv"),
        os.mkfifo,
        lambda path: path.mkdir(),
    ):
        deliver(tmp_path / "drop", {"accounts.csv": as_csv()})
        path = tmp_path / "drop" / "accounts.csv"
        path.unlink()
        make(path)
        with pytest.raises(ProviderFailed, match=r"accounts\.csv"):
            look(tmp_path / "drop")
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_nothing_delivered_yet_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="no files yet"):
        look(tmp_path)


def test_callers_are_told_to_come_back_while_a_large_delivery_is_read_in(tmp_path):
    rows = [[f"{n:018}", "x", "1", ""] for n in range(60_000)]
    deliver(tmp_path, {"accounts.csv": as_csv(rows)}, rows=len(rows))

    async def main():
        async with looking(tmp_path) as way:
            chosen = file_settings(tmp_path)
            with pytest.raises((Unavailable, ProviderTimeout)):
                await way.ask(chosen, asking({"uscc": rows[-1][0]}, within=0.2))
            for _ in range(100):
                with contextlib.suppress(Unavailable, ProviderTimeout):
                    return await way.ask(chosen, asking({"uscc": rows[-1][0]}, within=2))
                await asyncio.sleep(0.2)
            raise AssertionError("never read in")

    assert run(main()).value["staff"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"response": {"x": "ssy"}},
        {"where": {"column": "ssy", "equals": "x"}},
        {"manifest": "../m.json"},
        {"delimiter": ";;"},
        {"folder": "http://host/x"},
        {"columns": {"tyxydm": "anything"}},
        {"format": "xls"},
        {"most_rows": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused_naming_the_key(tmp_path, change):
    with pytest.raises(Misconfigured, match=r"the\.service.*\[settings"):
        file_settings(tmp_path, **change)


def test_only_registered_folders_are_read(tmp_path):
    async def main():
        async with looking(tmp_path / "drop") as way:
            with pytest.raises(Misconfigured, match="not among the places"):
                way.check(file_settings(tmp_path))
            with pytest.raises(ProviderFailed, match="not registered"):
                await way.ask(file_settings(tmp_path), asking({"uscc": "x"}))

    run(main())


def test_a_request_without_the_value_to_search_by_is_the_callers_to_mend(tmp_path):
    deliver(tmp_path, {"accounts.csv": as_csv()})
    with pytest.raises(Invalid):
        look(tmp_path, None)


@effort(max_examples=60)
@given(
    st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)] * 2), max_size=4)
)
def test_what_is_written_is_read(rows):
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], *rows])
    read = rows_of(
        io.BytesIO(text.getvalue().encode()),
        "x.csv",
        {"a": "text", "b": "text"},
        form="csv",
        charset="utf-8",
        delimiter=",",
    )
    assert [(row["a"] or "", row["b"] or "") for row in read] == rows
