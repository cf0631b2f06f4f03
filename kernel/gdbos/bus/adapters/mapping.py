"""Another system's fields, codes, dates and amounts in our words, and ours in theirs: by data, not by code per system.

In a service document the tables are keyed, so that a lower pack can change one entry::

    [settings.request]                       # their field = what we put there
    GMSFHM = "citizen_id"
    CXSY   = { constant = "政务服务" }
    REGCAP = { field = "registered_capital", format = "wan" }

    [settings.response]                      # our field = where it stands in their answer
    name       = "SJ.0.XM"
    birth_date = { path = "SJ.0.CSRQ", format = "yyyyMMdd" }
    sex        = { path = "SJ.0.XBDM", codes = { "1" = "M", "2" = "F" } }      # ours = theirs, in both tables

``format`` says how *they* write a value: a date pattern (``yyyy MM dd HH mm ss``), ``fen`` (yuan as whole fen), ``wan`` (yuan in
ten thousands), ``text`` (our number, their words), ``number`` (our words, their number), ``comma`` (our list, joined),
``flag`` (our truth value as "1" or "0"), ``epoch-ms`` (our instant as milliseconds).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from gdbos.errors import Invalid, ProviderFailed, Violation
from gdbos.text import N_

ISO_DATE = "yyyy-MM-dd"
DATE_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
DATE_PART = re.compile("|".join(DATE_PARTS))
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

JOINED = "comma"
MOST_DIGITS = 30
"""Of a number, before or after the point: ``1E999999999`` is short to write and never ends to be written out."""
MISFIT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)
"""How a value says that it is not what a format or a code table expects."""

Word = str | int | bool
Convert = Callable[[Any], Any]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an answer means something: by HTTP status, by a value in it, or by both."""

    path: str = ""
    equals: Word | tuple[Word, ...] = ()
    status: int = 0

    def __post_init__(self) -> None:
        if not self.status and not self.path:
            raise ValueError("a rule needs a `path` or a `status`")
        if self.path and self.equals == ():
            raise ValueError("a rule with a `path` needs `equals`")

    def matches(self, status: int, body: Any) -> bool:
        """Whether the answer is of this kind; a number and its words are the same, for old systems mix them."""
        if self.status and self.status != status:
            return False
        if not self.path:
            return True
        found = at(body, self.path)
        wanted = self.equals if isinstance(self.equals, tuple) else (self.equals,)
        return isinstance(found, Word) and word(found) in {word(one) for one in wanted}


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an answer is the department's no, and where it says why."""

    when: Rule
    reason: str
    """Path of the words for the applicant."""


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How they write one value."""

    constant: Word | None = None
    format: str = ""
    ours: str = ISO_DATE
    """Our own date pattern, where ``format`` is one."""
    codes: dict[str, str] = {}
    """Our code → theirs."""

    def __post_init__(self) -> None:
        if self.format and self.format not in {JOINED, *FORMATS} and not DATE_PART.search(self.format):
            known = ", ".join((JOINED, *FORMATS))
            raise ValueError(f'"{self.format}" is no format: a date pattern or one of {known}')
        if len(set(self.codes.values())) != len(self.codes):
            raise ValueError("two of our codes have the same counterpart, so theirs cannot be read back")


class Sent(Written, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of their request."""

    field: str = ""
    """Ours, as a dotted path; where there is none, ``constant`` is sent."""

    def __post_init__(self) -> None:
        Written.__post_init__(self)
        if bool(self.field) == (self.constant is not None):
            raise ValueError("a sent value has either a `field` or a `constant`")


class Read(Written, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of our reply."""

    path: str = ""
    """Where it stands in theirs: dotted, list places as numbers."""

    def __post_init__(self) -> None:
        Written.__post_init__(self)
        if bool(self.path) == (self.constant is not None):
            raise ValueError("a read value has either a `path` or a `constant`")


def to_theirs(table: Mapping[str, str | Sent], request: Mapping[str, Any]) -> dict[str, Any]:
    """Our ``request`` by the places of their fields; what we do not have is left out.

    :raises Invalid: a value has no counterpart there (a code they do not know); names our field and not the value.
    """
    theirs: dict[str, Any] = {}
    for place, entry in table.items():
        sent = Sent(field=entry) if isinstance(entry, str) else entry
        value = at(request, sent.field) if sent.field else sent.constant
        if value is None:
            continue
        try:
            theirs[place] = _apply(sent, value, _outward) if sent.field else value
        except MISFIT:
            detail = N_("The department's system has no counterpart for this value.")
            raise Invalid(detail, violations=[Violation(f"$.{sent.field}", "counterpart", detail)]) from None
    return theirs


def to_ours(table: Mapping[str, str | Read], body: Any) -> dict[str, Any]:
    """Their answer in our fields; absent and empty values are left out for our standard to judge.

    :raises ProviderFailed: a value is not written as agreed; names our field and not the value.
    """
    ours: dict[str, Any] = {}
    for field, entry in table.items():
        read = Read(path=entry) if isinstance(entry, str) else entry
        value = at(body, read.path) if read.path else read.constant
        if value is None or value == "":
            continue
        try:
            ours[field] = _apply(read, value, _inward) if read.path else value
        except MISFIT:
            detail = N_("The provider's answer does not hold {field} as agreed; its operators have to look at it.")
            raise ProviderFailed(detail, field=field) from None
    return ours


def reason_in(refusal: Refusal, body: Any) -> str:
    """The department's words for its no: one line, at most 500 characters."""
    words = at(body, refusal.reason)
    return CONTROL.sub(" ", words).strip()[:500] if isinstance(words, str) else ""


def at(body: Any, path: str) -> Any:
    """What stands at the dotted ``path``, or nothing."""
    for step in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(step)
        elif isinstance(body, list | tuple) and step.isascii() and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``flat`` with its dotted places made into tables within tables."""
    body: dict[str, Any] = {}
    for place, value in flat.items():
        *way, last = place.split(".")
        inner = body
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return body


def word(value: Any) -> str:
    """A scalar in words; truth values as JSON writes them. :raises ValueError: it is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float | Decimal):
        raise ValueError
    return str(value)


def _apply(written: Written, value: Any, convert: Callable[[Written, Any], Any]) -> Any:
    """Convert a value, or each one of a list; a joined list is one value on their side."""
    if written.format == JOINED:
        return convert(written, value)
    if isinstance(value, list | tuple):
        return [convert(written, one) for one in value]
    return convert(written, value)


def _outward(written: Written, value: Any) -> Any:
    if written.format == JOINED:
        return ",".join(written.codes[word(one)] if written.codes else word(one) for one in value)
    if written.codes:
        value = written.codes[word(value)]
    if not written.format:
        return value.isoformat() if isinstance(value, date) else value
    if known := FORMATS.get(written.format):
        return known[0](value)
    return _redate(value.isoformat() if isinstance(value, date) else value, written.ours, written.format)


def _inward(written: Written, value: Any) -> Any:
    if written.format == JOINED:
        parts = [part for part in str(value).split(",") if part]
        return [_ours(written, part) for part in parts]
    if written.format in FORMATS:
        value = FORMATS[written.format][1](value)
    elif written.format:
        value = _redate(word(value), written.format, written.ours)
    return _ours(written, value)


def _ours(written: Written, value: Any) -> Any:
    """Our code for theirs. :raises KeyError: there is none."""
    if not written.codes:
        return value
    return {theirs: ours for ours, theirs in written.codes.items()}[word(value)]


def _redate(value: str, there: str, here: str) -> str:
    """A date or time written by the pattern ``there``, written by ``here``; only exactly so written ones."""
    moment = datetime.strptime(value, _directives(there)).replace(tzinfo=UTC)
    if moment.strftime(_directives(there)) != value:
        raise ValueError
    return moment.strftime(_directives(here))


def _directives(pattern: str) -> str:
    return DATE_PART.sub(lambda part: DATE_PARTS[part[0]], pattern.replace("%", "%%"))


def _plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _decimal(value: Any) -> Decimal:
    number = Decimal(word(value))
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError
    return number


def _to_fen(yuan: Any) -> int:
    fen = _decimal(yuan) * 100
    if fen != fen.to_integral_value():
        raise ValueError
    return int(fen)


def _to_flag(value: Any) -> str:
    return {"true": "1", "false": "0"}[word(value)]


def _to_milliseconds(value: Any) -> int:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return int(moment.timestamp() * 1000)


def _from_milliseconds(value: Any) -> str:
    return datetime.fromtimestamp(int(word(value)) / 1000, UTC).isoformat()


FORMATS: dict[str, tuple[Convert, Convert]] = {
    "fen": (_to_fen, lambda fen: _plain_number(_decimal(fen) / 100)),
    "wan": (lambda yuan: _plain_number(_decimal(yuan) / 10_000), lambda wan: _plain_number(_decimal(wan) * 10_000)),
    "text": (word, lambda words: _plain_number(_decimal(words))),
    "number": (lambda words: _plain_number(_decimal(words)), word),
    "flag": (_to_flag, lambda flag: {"1": True, "0": False}[word(flag)]),
    "epoch-ms": (_to_milliseconds, _from_milliseconds),
}
"""How they write → (ours to theirs, theirs to ours)."""
