"""Deadlines (期限): the rules, and what stops and lengthens them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

import msgspec

from gdbos.text import Text

from .calendar import Calendar
from .document import Item

Unit = Literal["working-days", "days"]
Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]


class ExtensionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much a deadline may be extended, and who must approve it."""

    days: Days
    approver: str
    """The post that approves, as extensions name it (``head-of-body``)."""
    title: Text | None = None
    """The approver in words."""
    basis: tuple[str, ...] = ()
    note: Text | None = None


class Deadline(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deadline rule of a statute, a standard or a jurisdiction."""

    title: Text
    days: Days
    unit: Unit = "working-days"
    starts: Literal["day-after", "same-day"] = "day-after"
    binds: Literal["government", "party"] = "government"
    """Whom it binds: a lower pack may only shorten what binds government, and only lengthen what binds the party (当事人)."""
    extension: ExtensionRule | None = None
    suspends: tuple[str, ...] = ()
    """Reasons for which the clock may stop."""
    reasons: str = ""
    """The code list that says what the reasons are called."""
    deemed: Literal["", "accepted-from-receipt", "accepted", "approved", "refused"] = ""
    """What silence means when it has passed."""
    next: str = ""
    """The deadline that starts when this one's act is done (second clock)."""


class Suspension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The clock stands still from ``since`` (``from``) until the day before ``until``; without ``until``, still."""

    since: date
    until: date | None = None
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days added by somebody who may."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3660)]
    approver: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """The approver's post, as the rule names it (``head-of-body``)."""
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""
    on: date | None = None
    """When it was approved; it must have been in time."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from"}):
    """Days that were not counted: from ``since`` (``from``) until the day before ``until``."""

    since: date
    until: date
    title: Text
    kind: Literal["off", "suspended"]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When it is due, and how that was counted."""

    due: date | None
    """None while a suspension without an end is running."""
    explanation: Text
    start: date
    first: date | None
    """The first day that counts."""
    days: int
    """Days allowed, extensions included."""
    unit: Unit
    remaining: int = 0
    """Days still to run when an open suspension ends."""
    skipped: tuple[Skipped, ...] = ()
    rule: str = ""
    basis: tuple[str, ...] = ()
    caveats: tuple[Text, ...] = ()
    """What is not certain of the days that were counted over."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be counted."""

    start: date
    deadline: Deadline
    days: int
    calendar: Calendar
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    words: Mapping[str, Text] = {}
    """Reasons for suspensions, in words."""

    def stands(self, day: date) -> Suspension | None:
        """The suspension that stops the clock on ``day``; one without an end before others."""
        found = [one for one in self.suspensions if one.since <= day and (one.until is None or day < one.until)]
        return next((one for one in found if one.until is None), found[0] if found else None)


class Walk(msgspec.Struct):
    """How far the count has come."""

    counted: int = 0
    first: date | None = None
    last: date | None = None
    skipped: list[tuple[date, Text, Literal["off", "suspended"]]] = []
    open: Suspension | None = None
    """The suspension without an end at which the count stopped."""
