"""A record made ready: its fields with all that their checks need, and the struct it decodes into."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from gdbos.errors import Violation
from gdbos.text import N_, Text

from .asked import ZONE
from .codes import CodeTable
from .element import Element, Shape, shape
from .identifier import Identifier
from .letters import Letters

if TYPE_CHECKING:
    from .record import Field, RecordDefinition


class Part(msgspec.Struct, frozen=True):
    """A field with everything its checks need, resolved once."""

    field: Field
    attribute: str
    """The struct's attribute; the field's name unless that is a Python keyword."""
    element: Element
    shape: Shape
    title: Text
    identifier: Identifier | None = None
    codes: CodeTable | None = None

    def violation(self, rule: str, path: str, **facts: Any) -> Violation:
        """The violation of ``rule`` at ``path``; never holds the value."""
        facts |= {"title_zh": self.title.zh, "title_en": self.title.en or self.title.zh, "form": self.element.form}
        detail = DETAILS.get(rule, DETAILS["type"])
        return Violation(path, rule, detail, element=self.element.id, source=self.source(rule), facts=facts)

    def source(self, rule: str) -> str:
        """The standard the broken rule comes from."""
        if rule == "code" and self.codes is not None:
            return self.codes.definition.standard or self.codes.definition.source
        if (
            self.identifier is not None
            and self.identifier.definition is not None
            and self.identifier.definition.standard
        ):
            return self.identifier.definition.standard
        return self.element.source or self.field.source


DETAILS = {
    "required": N_("“{title_en}” is missing; it must be given."),
    "type": N_("“{title_en}” is not of the right kind; it is written as {form}."),
    "length": N_("“{title_en}” is too short or too long; it is written as {form}."),
    "pattern": N_("“{title_en}” has characters it may not have, or not in this order; it is written as {form}."),
    "range": N_("“{title_en}” is outside the range allowed for it."),
    "decimals": N_("“{title_en}” has too many digits after the point; it is written as {form}."),
    "date": N_("“{title_en}” is not a date; dates are written year-month-day, moments with their time zone."),
    "code": N_("“{title_en}” is not a code in force in the list {list}."),
    "check-digit": N_("“{title_en}” fails its check digit; a character may be mistyped."),
    "identifier": N_("“{title_en}” is not a valid number of its kind."),
    "order": N_("“{title_en}” is earlier than “{other_en}”; it comes with it or after it."),
}


Typed = Callable[[Part], Any]


class Compiled:
    """A record's struct and decoder, made once for a span of days in which none of its elements change."""

    def __init__(self, definition: RecordDefinition, parts: tuple[Part, ...]) -> None:
        self.definition, self.parts = definition, parts
        self.struct = _struct(definition, parts, _type)
        """What is decoded into; ``letters`` looks at the rest."""
        self.letters = Letters((part.attribute, part.shape.letters) for part in parts if _joins(part))
        self.strict = _struct(definition, parts, _strict)
        """Says itself all that ``struct`` and ``letters`` say together: for finding out what is wrong."""
        self.decoder = msgspec.json.Decoder(self.struct)
        self.checked = tuple(part for part in parts if part.codes is not None or part.identifier is not None)
        named = {part.field.name: part for part in parts}
        self.ordered = tuple((part, named[part.field.not_before]) for part in parts if part.field.not_before in named)
        """Fields with the field that they may not precede."""
        self._later = tuple(part for part in parts if part.shape.after is not None)
        self._decimals = tuple(part for part in parts if part.shape.type is Decimal)
        self.has_later = bool(self._later)
        self.numbers = _numbers(self._decimals)
        self.simple = not self.has_later and self.numbers is None
        """Whether nothing of the shape is left after decoding and ``letters``."""

    def quoted(self, value: Mapping[str, Any]) -> bool:
        """Whether a number stands there as text, which ``Decimal`` would read in many spellings and the schema would not."""
        return any(isinstance(one, str) for part in self._decimals for _, one in values(part, value))

    def later(self, value: msgspec.Struct) -> Iterator[Violation]:
        """What is left of the shape after native decoding: RE2 patterns and decimal digits."""
        for part in self._later:
            assert part.shape.after is not None
            for path, one in values(part, value):
                if rule := part.shape.after(one):
                    yield part.violation(rule, path)


def part(field: Field, element: Element, identifier: Identifier | None, codes: CodeTable | None) -> Part:
    """Resolve one field.

    Raises:
        ValueError: the element's form or pattern cannot be read.
    """
    attribute = f"{field.name}_" if keyword.iskeyword(field.name) else field.name
    return Part(field, attribute, element, shape(element), field.title or element.title, identifier, codes)


def _struct(definition: RecordDefinition, parts: tuple[Part, ...], typed: Typed) -> type[msgspec.Struct]:
    required = [(part.attribute, typed(part)) for part in parts if part.field.required]
    optional = [(part.attribute, typed(part) | None, None) for part in parts if not part.field.required]
    return msgspec.defstruct(
        "".join(word.capitalize() for word in definition.id.replace("-", ".").replace("_", ".").split(".")),
        [*required, *optional],
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,  # it holds texts, numbers and lists of these: nothing that could lead back to it
        rename={part.attribute: part.field.name for part in parts if part.attribute != part.field.name},
        module=__name__,
    )


def _numbers(parts: tuple[Part, ...]) -> msgspec.json.Decoder[Any] | None:
    """Looks at the decimal fields alone, once more, and refuses text among them."""
    if not parts:
        return None
    fields = [(part.attribute, list[float] | None if part.field.repeat else float | None, None) for part in parts]
    names = {part.attribute: part.field.name for part in parts}
    return msgspec.json.Decoder(msgspec.defstruct("Numbers", fields, rename=names, module=__name__))


def _joins(part: Part) -> bool:
    """Whether the letters of a field are looked at together with those of others."""
    return bool(part.shape.letters) and not part.field.repeat


def _type(part: Part) -> Any:
    return part.shape.loose if _joins(part) else _strict(part)


def _strict(part: Part) -> Any:
    if not part.field.repeat:
        return part.shape.type
    return Annotated[list[part.shape.type], msgspec.Meta(min_length=1)]  # type: ignore[name-defined]


def values(part: Part, value: object) -> Iterator[tuple[str, Any]]:
    """The values of one field with their paths."""
    one = value.get(part.field.name) if isinstance(value, Mapping) else getattr(value, part.attribute)
    path = f"$.{part.field.name}"
    if part.field.repeat and isinstance(one, list | tuple):
        yield from ((f"{path}[{at}]", entry) for at, entry in enumerate(one))
    elif one is not None:
        yield path, one


def precedes(part: Part, other: Part, value: object) -> bool:
    """Whether the day or moment of ``part`` is earlier than that of ``other``; a day and a moment are compared by days."""
    one, reference = (_when(each, value) for each in (part, other))
    if one is None or reference is None:
        return False
    if isinstance(one, datetime) and isinstance(reference, datetime):
        return one < reference
    return _day(one) < _day(reference)


def _when(part: Part, value: object) -> date | None:
    """The field's day or moment; None where it is not given or is none, which the first step says."""
    given = next((one for _, one in values(part, value)), None)
    try:
        return None if given is None else msgspec.convert(given, part.shape.type)
    except msgspec.ValidationError:
        return None


def _day(one: date) -> date:
    return one.astimezone(ZONE).date() if isinstance(one, datetime) else one
