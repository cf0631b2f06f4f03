"""Data elements and code lists as tables of a workbook, and back: what is written out reads in as the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.text import N_

from .codes import Code
from .element import Element, shape
from .shape import flaws

ELEMENT_COLUMNS = ("id", "name", "name_en", "object", "property", "representation", "form", "pattern", "scheme", "codes", "unit",
                   "minimum", "maximum", "grade", "personal", "mask", "authority", "synonyms", "basis", "confidence", "source",
                   "from", "until", "note", "note_en")  # fmt: skip
HEADINGS = {
    "id": "标识", "name": "名称", "name_en": "英文名称", "object": "对象类", "property": "特性", "representation": "表示词",
    "form": "表示", "pattern": "字符模式", "scheme": "校验规则", "codes": "代码集", "unit": "计量单位", "minimum": "最小值",
    "maximum": "最大值", "grade": "数据分级", "personal": "个人信息", "mask": "脱敏规则", "authority": "权威数源",
    "synonyms": "同义词", "basis": "依据", "confidence": "可信度", "source": "来源", "from": "生效日期", "until": "失效日期",
    "note": "说明", "note_en": "英文说明", "code": "代码", "title": "名称", "title_en": "英文名称", "parent": "上级代码",
    "successor": "后续代码",
}  # fmt: skip
"""What the columns are called in Chinese; a table that is read may use either."""
CODE_COLUMNS = ("code", "title", "title_en", "parent", "from", "until", "successor", "confidence", "source", "note", "note_en")  # fmt: skip
LISTS, NUMBERS = ("synonyms", "basis"), ("minimum", "maximum")
Table = Iterator[Sequence[object]]


def element_table(elements: Iterable[Element]) -> Table:
    """A head and a row for each element."""
    yield [HEADINGS[column] for column in ELEMENT_COLUMNS]
    yield list(ELEMENT_COLUMNS)
    for element in elements:
        plain = msgspec.to_builtins(element) | {"name": element.title.zh, "name_en": element.title.en}
        yield [_cell(plain, column) for column in ELEMENT_COLUMNS]


def code_table(codes: Iterable[Code]) -> Table:
    """A head and a row for each code."""
    yield [HEADINGS[column] for column in CODE_COLUMNS]
    yield list(CODE_COLUMNS)
    for code in codes:
        plain = msgspec.to_builtins(code) | {"title": code.title.zh, "title_en": code.title.en}
        yield [_cell(plain, column) for column in CODE_COLUMNS]


def _cell(plain: Mapping[str, Any], column: str) -> object:
    if column in ("note", "note_en"):
        note = plain.get("note") or {}
        return note.get("en" if column.endswith("_en") else "zh", "")
    value = plain.get(column, "")
    return "、".join(value) if isinstance(value, list | tuple) else value


def elements_of(rows: Iterable[Sequence[str]]) -> list[Element]:
    """The elements of a table with headings. :raises Invalid: a column or cell that cannot be read; all of them are named."""
    return _read(rows, Element, _element, ("name", "form"), lambda element: shape(element))


def codes_of(rows: Iterable[Sequence[str]]) -> list[Code]:
    """The codes of a table with headings. Raises like :func:`elements_of`."""
    return _read(rows, Code, _code, ("code", "title"), lambda code: None)


def _read(
    rows: Iterable[Sequence[str]],
    struct: type[Any],
    make: Callable[[Mapping[str, str]], dict[str, Any]],
    needed: Sequence[str],
    sound: Callable[[Any], object],
) -> list[Any]:
    """Rows as structs. The second row may hold the columns' names, as in what is written out."""
    table = iter(rows)
    columns = _columns(next(table, ()), ELEMENT_COLUMNS if struct is Element else CODE_COLUMNS, needed)
    made, wrong = [], []
    for number, row in enumerate(table, 2):
        cells = {column: cell for column, cell in zip(columns, row, strict=False) if column}
        if cells == {column: column for column in cells}:
            continue
        plain = make(cells)
        found = [_violation(number, flaw.path, flaw.detail or flaw.rule) for flaw in flaws(plain, struct)]
        if not found:
            made.append(msgspec.convert(plain, struct))
            found = list(_unsound(number, made[-1], sound))
        wrong += found
    if wrong:
        raise Invalid(violations=wrong[:200])
    return made


def _columns(head: Sequence[str], known: Sequence[str], needed: Sequence[str]) -> list[str]:
    """The column each heading stands for; unknown headings are passed over, needed ones must be there."""
    by_heading = {HEADINGS[column]: column for column in known} | {column: column for column in known}
    columns = [by_heading.get(heading.rstrip("*").strip(), "") for heading in head]
    detail = N_("The table has no column {name}; its first row holds the headings.")
    absent = [Violation(f"$.{name}", "column", detail, facts={"name": HEADINGS[name]}) for name in needed if name not in columns]  # fmt: skip
    if absent:
        raise Invalid(violations=absent)
    return columns


def _unsound(number: int, value: Any, sound: Callable[[Any], object]) -> Iterator[Violation]:
    try:
        sound(value)
    except ValueError as error:
        yield _violation(number, "$.form", str(error))


def _violation(number: int, path: str, why: str) -> Violation:
    detail = N_("Row {row} cannot be read: {why}")
    return Violation(f"$.rows[{number}]{path.removeprefix('$')}", "row", detail, facts={"row": number, "why": why})


def _element(cells: Mapping[str, str]) -> dict[str, Any]:
    title = {"zh": cells.get("name", ""), "en": cells.get("name_en", "")}
    rest = {key: _value(key, cell) for key, cell in cells.items() if cell and key not in WORDS}
    return {"id": cells.get("id") or "", "title": title, **rest, **_note(cells)}


def _code(cells: Mapping[str, str]) -> dict[str, Any]:
    title = {"zh": cells.get("title", ""), "en": cells.get("title_en", "")}
    rest = {key: _value(key, cell) for key, cell in cells.items() if cell and key not in WORDS}
    return {**rest, "title": title, **_note(cells)}


WORDS = ("name", "name_en", "title", "title_en", "note", "note_en")


def _note(cells: Mapping[str, str]) -> dict[str, Any]:
    if not cells.get("note"):
        return {}
    return {"note": {"zh": cells["note"], "en": cells.get("note_en", "")}}


def _value(column: str, cell: str) -> object:
    if column in LISTS:
        return [one.strip() for one in cell.replace("；", "、").replace(";", "、").split("、") if one.strip()]
    if column in NUMBERS:
        return _number(cell)
    return _day(cell) if column in ("from", "until") else cell


def _number(cell: str) -> object:
    try:
        return float(cell) if "." in cell or "e" in cell.lower() else int(cell)
    except ValueError:
        return cell


def _day(cell: str) -> object:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return cell
