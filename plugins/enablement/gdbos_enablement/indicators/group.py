"""The groups of cases that figures count and that each figure opens: one condition for both, so that they always agree."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, true

from gdbos import Text, Unit
from gdbos_enablement.heard import Stage

from .config import Config
from .tables import indicator_bundle, indicator_case

Standing = Literal[
    "", "submitted", "correction", "accepted", "suspended", "approved", "closed", "refused", "rejected", "void"
]
Group = Literal["", "open", "overdue", "overdue-legal", "ended", "timed", "in-time", "late", "measured"]

t = indicator_case.c
_STANDS_STILL = t.suspended > t.resumed
_ENDED = t.stage == Stage.CLOSED
_DUE = func.coalesce(t.promise_due, t.legal_due)
_DECIDED = and_(_ENDED, t.end.in_(("closed", "rejected")))
_TIMED = and_(_DECIDED, _DUE.is_not(None))

STANDINGS: Mapping[str, Text] = MappingProxyType(
    {
        "submitted": Text("待受理", "to be accepted"),
        "correction": Text("待补正", "waiting for corrections"),
        "accepted": Text("审查中", "being examined"),
        "suspended": Text("已中止", "suspended"),
        "approved": Text("准予，办理中", "approved, being carried out"),
        "closed": Text("已办结", "closed"),
        "rejected": Text("不予许可", "decided against"),
        "refused": Text("不予受理", "not accepted"),
        "void": Text("已作废", "void"),
    }
)

_STANDING: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        "submitted": t.stage.in_((Stage.SUBMITTED, Stage.RESUBMITTED)),
        "correction": t.stage == Stage.CORRECTION,
        "accepted": and_(t.stage == Stage.ACCEPTED, ~_STANDS_STILL),
        "suspended": and_(t.stage == Stage.ACCEPTED, _STANDS_STILL),
        "approved": t.stage == Stage.APPROVED,
        **{end: and_(_ENDED, t.end == end) for end in ("closed", "rejected", "refused", "void")},
    }
)


def standing_of(stage: int, still: bool, end: str) -> str:
    """The word for where a case stands; agrees with :data:`STANDINGS`."""
    if stage == Stage.CLOSED:
        return end
    if stage == Stage.ACCEPTED:
        return "suspended" if still else "accepted"
    return {Stage.CORRECTION: "correction", Stage.APPROVED: "approved"}.get(Stage(stage), "submitted")


MONTH = r"\A([0-9]{4}-(0[1-9]|1[0-2]))?\Z"
Month = Annotated[str, msgspec.Meta(pattern=MONTH)]
"""As in 2026-03."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases: all conditions together; empty: all."""

    group: Group = ""
    standing: Standing = ""
    level: Annotated[str, msgspec.Meta(max_length=1)] = ""
    plan: Annotated[str, msgspec.Meta(max_length=80)] = ""
    division: Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{6})?\Z")] = ""
    """This division and everything below it."""
    received: Month = ""
    """Received in this month."""
    ended: Month = ""
    """Ended in this month, whichever way."""


def condition(unit: Unit, chosen: Chosen) -> ColumnElement[bool]:
    """The cases that ``chosen`` means, as a condition on the projection; the reader's own reach comes on top."""
    wanted: list[ColumnElement[bool]] = [t.stage >= Stage.SUBMITTED]
    if chosen.group:
        wanted.append(_GROUPS[chosen.group](unit.today, unit.config(Config).on_application))
    if chosen.standing:
        wanted.append(_STANDING[chosen.standing])
    if chosen.level:
        wanted.append(t.level == chosen.level)
    if chosen.division:
        wanted.append(beneath(t.division, chosen.division))
    if chosen.received:
        wanted.append(_within(t.received_on, chosen.received))
    if chosen.ended:
        wanted.append(_within(t.closed_on, chosen.ended))
    if chosen.plan:
        finished = unit.rows(indicator_bundle, indicator_bundle.c.bundle)
        wanted.append(t.bundle.in_(finished.where(indicator_bundle.c.plan == chosen.plan)))
    return and_(*wanted)


def _within(column: Any, month: str) -> ColumnElement[bool]:
    first = date.fromisoformat(f"{month}-01")
    found: ColumnElement[bool] = column.between(first, first.replace(day=monthrange(first.year, first.month)[1]))
    return found


def beneath(column: Any, division: str) -> ColumnElement[bool]:
    """Divisions at or below ``division`` (GB/T 2260: two digits each for province, city, county)."""
    stem = division.rstrip("0")
    stem += "0" * (len(stem) % 2)
    found: ColumnElement[bool] = column.between(stem.ljust(6, "0"), stem.ljust(6, "9"))
    return found if stem else true()


def _overdue(today: date, _: Collection[str]) -> ColumnElement[bool]:
    return and_(_STANDING["accepted"], or_(t.legal_due < today, t.promise_due < today))


def _overdue_legal(today: date, _: Collection[str]) -> ColumnElement[bool]:
    return and_(_STANDING["accepted"], t.legal_due < today)


def _measured(_: date, on_application: Collection[str]) -> ColumnElement[bool]:
    return and_(_DECIDED, t.accepted_on.is_not(None), t.legal_days > 0, t.matter_type.in_(sorted(on_application)))


_GROUPS: Mapping[str, Callable[[date, Collection[str]], ColumnElement[bool]]] = MappingProxyType(
    {
        "open": lambda _, __: ~_ENDED,
        "overdue": _overdue,
        "overdue-legal": _overdue_legal,
        "ended": lambda _, __: _ENDED,
        "timed": lambda _, __: _TIMED,
        "in-time": lambda _, __: and_(_TIMED, t.closed_on <= _DUE),
        "late": lambda _, __: and_(_TIMED, t.closed_on > _DUE),
        "measured": _measured,
    }
)
GROUPS: Mapping[str, Text] = MappingProxyType(
    {
        "open": Text("在办", "open"),
        "overdue": Text("超期在办", "open and overdue"),
        "overdue-legal": Text("超过法定期限在办", "open and past the limit by law"),
        "ended": Text("已结束", "ended"),
        "timed": Text("有时限的已决定办件", "decided, with a limit"),
        "in-time": Text("按期办结", "closed in time"),
        "late": Text("逾期办结", "closed late"),
        "measured": Text("计入办理提速率", "measured for the actual speed-up"),
    }
)
