"""Bringing in an organisation (机构人员导入): bodies, or officials with their posts, from one table, as a plan before it is an act.

A plan is what really happens, undone: each row runs through the same functions as a single entry, in a savepoint of its own, and the
unit is rolled back. So a plan never promises what applying it would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import IO, Any, Final, Literal, get_args

import msgspec

from gdbos import sheet
from gdbos.crypto import STANDARD
from gdbos.decision import decide
from gdbos.errors import Conflict, Forbidden, Invalid, Problem, TooLarge, Violation
from gdbos.identity.account import find_account, open_account
from gdbos.identity.body import Body, find_body, register_body
from gdbos.identity.number import checked
from gdbos.identity.permission import ADMIT, APPOINT, REGISTER
from gdbos.identity.person import Person, register_person
from gdbos.identity.post import appoint, posts_of
from gdbos.plugin import Permission
from gdbos.text import N_, Text
from gdbos.unit import Unit

Kind = Literal["bodies", "officials"]
State = Literal["created", "changed", "unchanged", "refused"]
MOST: Final = 2000
"""Rows of one import: each is an act that is undone or done in one transaction."""
HEADS: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    "bodies": {
        "uscc": ("统一社会信用代码",),
        "name": ("机构名称", "name_zh"),
        "name_en": ("英文名称",),
        "division": ("行政区划代码",),
        "level": ("层级",),
        "parent": ("上级机构",),
        "plays": ("承担职能",),
    },
    "officials": {
        "login": ("登录名",),
        "name": ("姓名",),
        "citizen_id": ("公民身份号码",),
        "body": ("所在机构", "统一社会信用代码"),
        "role": ("岗位", "角色"),
        "area": ("限行政区划",),
        "matters": ("限事项",),
        "since": ("起始日期",),
        "until": ("截止日期",),
    },
}
"""Columns, and what else they may be headed; the first three of each are needed, and for officials a role."""
NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "bodies": ("uscc", "name", "division", "level"),
    "officials": ("login", "name", "body", "role"),
}
LEVELS: Final = {
    "国家": "national",
    "部": "ministry",
    "省": "province",
    "市": "city",
    "县": "county",
    "乡镇": "township",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one row of the table; the first after the head has number 2, as spreadsheets count."""

    number: int
    key: str
    """USCC or log-in name."""
    state: State
    reason: str = ""
    facts: dict[str, Any] = {}
    account: bool = False
    """A new account is opened."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of every row. Applying it takes its digest: a plan that no longer holds is not applied."""

    kind: Kind
    digest: str
    rows: list[Row]

    def count(self, state: State) -> int:
        """How many rows end in ``state``."""
        return sum(row.state == state for row in self.rows)


class Undone(Exception):
    """Takes a plan out of the unit that is rolled back."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("planned")
        self.plan = plan


Table = list[tuple[int, dict[str, str]]]


def read_table(kind: Kind, file: IO[bytes]) -> Table:
    """The rows of a workbook's first sheet or a CSV file, by column.

    :raises Invalid: a column is missing or unknown. :raises TooLarge: it has too many rows. :raises Unsupported: it is neither.
    """
    found = iter(sheet.rows(file))
    names = [_column(kind, head) for head in next(found, ())]
    unknown = [name for name in names if name not in HEADS[kind]]
    if missing := [name for name in NEEDED[kind] if name not in names]:
        raise _wrong(missing[0], N_("The table lacks the column {column}."))
    if unknown or len(set(names)) < len(names):
        raise _wrong([*unknown, *names][0], N_("The column {column} is unknown here, or there twice."))
    table = []
    for number, row in enumerate(found, 2):
        if number > MOST + 1:
            raise TooLarge("An import has {most} rows at most; divide the table.", most=MOST)
        table.append((number, dict(zip(names, (cell.strip() for cell in row), strict=False))))
    return table


def planned(unit: Unit, kind: Kind, table: Table) -> None:
    """:raises Undone: always, with the plan; nothing of it stays."""
    raise Undone(_done(unit, kind, table, lambda _: ""))


def applied(unit: Unit, kind: Kind, table: Table, digest: str, hashes: Mapping[str, str]) -> Plan:
    """Do what the plan with this digest says, in one act. :raises Conflict: it would be another one by now.

    :param hashes: password hashes of the accounts that are opened, by log-in name.
    """
    plan = _done(unit, kind, table, lambda login: hashes.get(login, ""))
    if plan.digest != digest:
        raise Conflict("Something changed since the plan was made; look at the new plan first.")
    counts: dict[str, int] = {state: plan.count(state) for state in get_args(State)}
    unit.record("identity.imported", of=kind, plan=digest, **counts)
    return plan


def _done(unit: Unit, kind: Kind, table: Table, hash_of: Callable[[str], str]) -> Plan:
    rows = [_one(unit, kind, number, row, hash_of) for number, row in table]
    plain = [(row.number, row.key, row.state, row.reason) for row in rows]
    content = repr([sorted(row.items()) for _, row in table]).encode()
    digest = STANDARD.digest(content + msgspec.json.encode(plain)).hex()
    return Plan(kind=kind, digest=digest, rows=rows)


def _one(unit: Unit, kind: Kind, number: int, row: dict[str, str], hash_of: Callable[[str], str]) -> Row:
    key = row.get("uscc" if kind == "bodies" else "login", "")[:100]
    try:
        with unit.connection.begin_nested():
            state, account = _body(unit, row) if kind == "bodies" else _official(unit, row, hash_of)
        return Row(number=number, key=key, state=state, account=account)
    except Problem as problem:
        violation = next(iter(getattr(problem, "violations", ())), None)
        reason = violation.detail if violation else problem.detail
        facts = violation.facts if violation else problem.facts
        return Row(number=number, key=key, state="refused", reason=reason or problem.title, facts=dict(facts))


def _body(unit: Unit, row: dict[str, str]) -> tuple[State, bool]:
    level = LEVELS.get(row["level"], row["level"])
    if level not in ("national", "ministry", "province", "city", "county", "township"):
        raise _wrong(
            "level", N_("The level {value} is none: national, ministry, province, city, county or township."), level
        )
    uscc = checked(unit, "uscc", row["uscc"], "$.uscc")
    _needs(unit, REGISTER)
    before = find_body(unit, uscc)
    name = Text(_filled(row, "name", 200), row.get("name_en", "")[:200] or (before.name.en if before else ""))
    new = Body(uscc=uscc, name=name, division=row["division"], level=level, parent=row.get("parent", ""))  # type: ignore[arg-type]
    plays = _listed(row["plays"]) if "plays" in row else before.plays if before else ()
    new = msgspec.structs.replace(new, plays=plays)
    if before == new:
        return "unchanged", False
    register_body(unit, new)
    return ("changed" if before else "created"), False


def _official(unit: Unit, row: dict[str, str], hash_of: Callable[[str], str]) -> tuple[State, bool]:
    login, name = _filled(row, "login", 100), _filled(row, "name", 100)
    known = find_account(unit, login)
    if known is None:
        _needs(unit, ADMIT)
        person = None
        if number := row.get("citizen_id", ""):
            person = register_person(unit, Person(name=name, citizen_id=number, trust="L3")).id
        account = open_account(
            unit, login=login, password_hash=hash_of(login), name=name, kind="official", person=person, due=True
        )
    else:
        account = known.id
    since, until = _day(row, "since"), _day(row, "until")
    area, matters = row.get("area", ""), _listed(row.get("matters", ""))
    for held in posts_of(unit, account):
        same = (held.body, held.role, held.area, held.matters) == (row["body"], row["role"], area, matters)
        if same and since in (None, held.since) and until == held.until:
            return "unchanged", False
    _needs(unit, APPOINT)
    appoint(unit, account, body=row["body"], role_id=row["role"], since=since, until=until, area=area, matters=matters)
    return ("changed" if known else "created"), known is None


def _needs(unit: Unit, permission: Permission) -> None:
    """What a row does needs the right to do it one by one; the right to import adds none."""
    if not decide(unit.actor, permission).allowed:
        raise Forbidden(
            "You lack the permission {permission}; ask your body's administrator for a post that has it.",
            permission=permission.name,
        )


def _column(kind: Kind, head: str) -> str:
    bare = head.strip().lower()
    return next((name for name, also in HEADS[kind].items() if bare == name or head.strip() in also), bare[:50])


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(one for one in (part.strip() for part in cell.replace("，", ",").replace("、", ",").split(",")) if one)


def _filled(row: dict[str, str], column: str, most: int) -> str:
    value = row.get(column, "")
    if not 0 < len(value) <= most or not value.isprintable() or value.startswith(sheet.ACTS):
        raise _wrong(
            column, N_("{column} is empty, longer than {most} characters, or begins like a formula."), most=most
        )
    return value


def _day(row: dict[str, str], column: str) -> date | None:
    try:
        return date.fromisoformat(row[column]) if row.get(column) else None
    except ValueError:
        raise _wrong(column, N_("{column} is no day; write it as 2026-01-31.")) from None


def _wrong(column: str, detail: str, value: str = "", **facts: Any) -> Invalid:
    facts |= {"value": value[:50], "column": column}
    return Invalid(detail, violations=[Violation(f"$.{column}", "format", detail, facts=facts)], **facts)


def new_logins(plan: Plan, table: Iterable[tuple[int, dict[str, str]]]) -> list[str]:
    """The log-in names of the accounts that the plan opens, as the table writes them."""
    opening = {row.number for row in plan.rows if row.account}
    return [row["login"] for number, row in table if number in opening]
