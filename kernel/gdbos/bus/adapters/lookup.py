"""Looking rows up in a table of somebody else: registered columns only, by a filter that a service document spells out.

Neither a caller nor a document writes SQL. A document names columns and how each is compared; a caller's request gives the
values, which travel as parameters::

    [settings]
    table = "v_dwzh"
    where = { all = [{ column = "tyxydm", equals = "uscc" }, { column = "khrq", least = "opened_from", optional = true }] }

    [settings.response]                      # our field = their column
    fund_number = "dwzh"
    opened_on = { path = "khrq", format = "yyyyMMdd" }
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

import msgspec
from sqlalchemy import Column, ColumnElement, Select, Table, and_, or_, select

from gdbos.bus.adapters.adapter import Asking
from gdbos.bus.adapters.mapping import Read, Sent, to_ours, to_theirs
from gdbos.bus.adapters.plain import plain
from gdbos.bus.adapters.settings import Settings
from gdbos.errors import Invalid, NotFound, ProviderFailed, Violation
from gdbos.text import N_

MOST_ROWS = 10_000
DEEPEST = 8
LARGEST = 2**63 - 1

Value = str | Sent
"""Our field; or with how they write it, or a constant."""


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node of a filter: all of several, any of several, or one column compared with values of the request."""

    all: tuple[Where, ...] = ()
    any: tuple[Where, ...] = ()
    column: str = ""
    equals: Value | None = None
    among: Value | None = None
    """A list of ours."""
    least: Value | None = None
    most: Value | None = None
    optional: bool = False
    """Left out where the request has no value for it; without this such a request is refused."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.all, self.any, self.column))) != 1:
            raise ValueError("a filter has one of `all`, `any` and `column`")
        kinds = (self.equals is not None, self.among is not None, self.least is not None or self.most is not None)
        if sum(kinds) != bool(self.column):
            raise ValueError("a `column` is compared in one way: by `equals`, `among`, or `least` and `most`")
        if self.optional and not self.column:
            raise ValueError("only the comparison of a `column` is `optional`")

    def columns(self, depth: int = 1) -> Iterator[str]:
        """The columns compared. :raises ValueError: the filter is nested too deeply."""
        if depth > DEEPEST:
            raise ValueError(f"a filter is at most {DEEPEST} deep")
        if self.column:
            yield self.column
        for inner in (*self.all, *self.any):
            yield from inner.columns(depth + 1)


class LookupSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the settings of adapters that look rows up have in common."""

    where: Where
    response: dict[str, str | Read]
    """Our field = their column."""
    rows: Literal["one", "list"] = "one"
    """One row, or all there are: then each of our fields is the list of its values, in the order of the rows."""
    order: tuple[str, ...] = ()
    """Columns by which rows are ordered."""
    max_rows: int = 1_000

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not 0 < self.max_rows <= MOST_ROWS:
            raise ValueError(f"`max_rows` lies between 1 and {MOST_ROWS}")
        if not self.response:
            raise ValueError("`response` names at least one column")
        self.registered()

    def registered(self) -> frozenset[str]:
        """Every column this service may read or compare: there are no others for it."""
        entries = (entry if isinstance(entry, str) else entry.path for entry in self.response.values())
        return frozenset({*filter(None, entries), *self.where.columns(), *self.order})


def query(settings: LookupSettings, table: Table, asking: Asking) -> Select[Any]:
    """The question as one statement over registered columns, all values as parameters.

    :raises Invalid: the request lacks a value that is not optional, or one has no counterpart there.
    """
    found = _condition(settings.where, table, asking.value)
    if found is None:
        raise Invalid("The request names nothing to look for; give at least one of the values it may be searched by.")
    entries = [entry if isinstance(entry, str) else entry.path for entry in settings.response.values()]
    shown = [table.c[name] for name in dict.fromkeys(filter(None, entries))]
    return (
        select(*shown).where(found).order_by(*(table.c[name] for name in settings.order)).limit(settings.max_rows + 1)
    )


def answer(settings: LookupSettings, rows: Sequence[Mapping[str, Any]], asking: Asking) -> dict[str, Any]:
    """The rows in our fields.

    :raises NotFound: there is none. :raises ProviderFailed: there are too many, too much in them, or not what was agreed.
    """
    if not rows:
        raise NotFound("The provider of {service} holds no such record.", service=asking.service)
    if len(rows) > (1 if settings.rows == "one" else settings.max_rows):
        most = 1 if settings.rows == "one" else settings.max_rows
        raise ProviderFailed("The provider's answer has more than the {most} rows agreed.", most=most)
    ours = [to_ours(settings.response, row) for row in _plain_rows(settings, rows)]
    return ours[0] if settings.rows == "one" else _side_by_side(settings, ours)


def _plain_rows(settings: LookupSettings, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    detail = N_(
        "A value in the provider's table is of no kind that can be passed on; its operators have to look at it."
    )
    try:
        found = [{name: plain(value) for name, value in row.items()} for row in rows]
        size = len(msgspec.json.encode(found))
    except (ValueError, TypeError, OverflowError):
        raise ProviderFailed(detail) from None
    if size > settings.max_bytes:
        most = settings.max_bytes
        raise ProviderFailed("The provider's answer is larger than the {most} bytes agreed.", most=most)
    return found


def _side_by_side(settings: LookupSettings, ours: list[dict[str, Any]]) -> dict[str, Any]:
    lists = {field: [row[field] for row in ours if field in row] for field in settings.response}
    for field, values in lists.items():
        if values and len(values) < len(ours):
            detail = N_("The provider's answer does not hold {field} as agreed; its operators have to look at it.")
            raise ProviderFailed(detail, field=field)
    return {field: values for field, values in lists.items() if values}


def _condition(where: Where, table: Table, request: Mapping[str, Any]) -> ColumnElement[bool] | None:
    if where.column:
        return _comparison(where, table.c[where.column], request)
    parts = [part for inner in (*where.all, *where.any) if (part := _condition(inner, table, request)) is not None]
    if not parts:
        return None
    return and_(*parts) if where.all else or_(*parts)


def _comparison(where: Where, column: Column[Any], request: Mapping[str, Any]) -> ColumnElement[bool] | None:
    ends: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "equals": lambda value: column == value,
        "among": lambda value: column.in_(value if isinstance(value, list) else [value]),
        "least": lambda value: column >= value,
        "most": lambda value: column <= value,
    }
    parts = []
    for name, compare in ends.items():
        sent = getattr(where, name)
        value = None if sent is None else _value(sent, column, request)
        if value is not None:
            parts.append(compare(value))
        elif sent is not None and not where.optional:
            field = sent if isinstance(sent, str) else sent.field
            detail = N_("This value is needed to look the record up.")
            raise Invalid(violations=[Violation(f"$.{field}", "required", detail)])
    return and_(*parts) if parts else None


def _value(sent: Value, column: Column[Any], request: Mapping[str, Any]) -> Any:
    """A value of the request as the column has it."""
    sent = Sent(field=sent) if isinstance(sent, str) else sent
    theirs = to_theirs({"x": sent}, request).get("x")
    try:
        return [_bound(one, column) for one in theirs] if isinstance(theirs, list) else _bound(theirs, column)
    except (ValueError, TypeError, ArithmeticError):
        detail = N_("The department's system has no counterpart for this value.")
        raise Invalid(detail, violations=[Violation(f"$.{sent.field}", "counterpart", detail)]) from None


def _bound(value: Any, column: Column[Any]) -> Any:
    """``value`` as the column's own kind, so that no database guesses: ``0`` is not every text that is no number."""
    if value is None:
        return None
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = str
    if kind is str:
        text = str(value) if not isinstance(value, bool) else str(value).lower()
        if "\x00" in text:
            raise ValueError
        return text
    if kind in (datetime, date, time):
        return kind.fromisoformat(value)
    if kind is bool:
        return (
            {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]
            if not isinstance(value, bool)
            else value
        )
    bound: Any = kind(Decimal(str(value))) if kind in (int, float, Decimal) else kind(value)
    if kind is int and (bound != Decimal(str(value)) or abs(bound) > LARGEST):
        raise ValueError
    return bound
