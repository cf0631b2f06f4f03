"""Records (数据集): ordered elements, compiled to a msgspec struct that decodes and validates at native speed.

Decoding checks shape. ``check`` is the second step: check digits and dated code lists, each with its own violations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from gdbos.errors import BadRequest, Invalid, Violation
from gdbos.text import N_, Text

from .compiled import DETAILS, Compiled, Part, precedes, values
from .document import Confidence, Item
from .element import Element
from .shape import Flaw, flaws

FieldName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_]{0,63}\Z")]


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a record: an element in a place."""

    name: FieldName
    element: str
    required: bool = False
    locked: bool | tuple[str, ...] = False
    repeat: bool = False
    not_before: str = ""
    """The field of the same row that this day or moment may not be earlier than."""
    title: Text | None = None
    """Overrides the element's title."""
    codes: str = ""
    """Narrows the element's code list to another."""
    basis: tuple[str, ...] = ()
    confidence: Confidence = ""
    source: str = ""
    note: Text | None = None


class RecordDefinition(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as a pack writes it."""

    title: Text
    subject: str = ""
    """The element that names whom the record is about."""
    description: Text | None = None
    field: tuple[Field, ...] = ()


UNKNOWN = N_("The record has no field of this name; remove it or correct its name.")
NOT_AN_OBJECT = N_("The record must be an object with named fields.")


class Record:
    """A record as of a day: decode, then check."""

    __slots__ = ("_compiled", "on")

    def __init__(self, compiled: Compiled, on: date) -> None:
        self._compiled, self.on = compiled, on

    @property
    def id(self) -> str:
        return self._compiled.definition.id

    @property
    def definition(self) -> RecordDefinition:
        """The record as the packs say it."""
        return self._compiled.definition

    @property
    def title(self) -> Text:
        return self._compiled.definition.title

    @property
    def subject(self) -> str:
        """The name of the field that says whom the record is about; empty where none does."""
        wanted = self._compiled.definition.subject
        return next((part.field.name for part in self._compiled.parts if wanted and part.element.id == wanted), "")

    @property
    def compiled(self) -> Compiled:
        """What is the same on every day of its span."""
        return self._compiled

    @property
    def struct(self) -> type[msgspec.Struct]:
        """The compiled struct."""
        return self._compiled.struct

    @property
    def names(self) -> tuple[str, ...]:
        """The field names, in the record's order."""
        return tuple(part.field.name for part in self._compiled.parts)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields as the packs say them, in the record's order."""
        return self._compiled.definition.field

    @property
    def parts(self) -> tuple[Part, ...]:
        """The fields with their elements, titles and checks."""
        return self._compiled.parts

    def element(self, name: str) -> Element:
        """The element of the field ``name``; ``KeyError`` where there is none."""
        return next((part.element for part in self._compiled.parts if part.field.name == name), None) or _absent(name)

    def sources(self, part: Part) -> Iterator[str]:
        """The standards that the field's rules come from, each once."""
        found = [part.field.source, part.element.source, part.source("code"), self.definition.source]
        yield from dict.fromkeys(one for one in found if one)

    def decode(self, body: bytes | str) -> msgspec.Struct:
        """Decode JSON.

        Raises:
            BadRequest: it is not JSON.
            Invalid: it is, and has flaws; every one is listed.
        """
        compiled = self._compiled
        try:
            value = compiled.decoder.decode(body)
            if compiled.numbers is not None:
                compiled.numbers.decode(body)
        except msgspec.ValidationError:
            raise self._invalid(_untyped(body)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadRequest("The body is not JSON that can be read.") from None
        if not compiled.letters.fit(value):
            raise self._invalid(_untyped(body))
        return self._shaped(value) if compiled.has_later else value

    def convert(self, value: Mapping[str, Any]) -> msgspec.Struct:
        """Decode plain data, such as a form's answers. Raises like ``decode``."""
        try:
            made = msgspec.convert(value, self._compiled.struct)
        except msgspec.ValidationError:
            raise self._invalid(value) from None
        if self._compiled.quoted(value) or not self._compiled.letters.fit(made):
            raise self._invalid(value)
        return self._shaped(made) if self._compiled.has_later else made

    def encode(self, value: msgspec.Struct) -> bytes:
        """JSON of a value of this record; decimals as numbers."""
        return ENCODER.encode(value)

    def check(self, value: object) -> list[Violation]:
        """The second step: check digits, codes in force on the record's day, and what comes before what. Takes the struct or plain data."""
        if isinstance(value, msgspec.Struct) and self._sound(value):
            return []
        found = [violation for part in self._compiled.checked for violation in self._second(part, value)]
        return found + [
            later.violation(
                "order", f"$.{later.field.name}", other_zh=earlier.title.zh, other_en=earlier.title.into("en")
            )
            for later, earlier in self.disordered(value)
        ]

    def disordered(self, value: object) -> list[tuple[Part, Part]]:
        """The fields that are earlier than those they may not precede, each with that one."""
        return [pair for pair in self._compiled.ordered if precedes(*pair, value)]

    def read(self, body: bytes | str) -> msgspec.Struct:
        """Both steps: ``decode``, then ``check``; ``Invalid`` lists what either finds."""
        value = self.decode(body)
        if found := self.check(value):
            raise Invalid(violations=found)
        return value

    def _sound(self, value: msgspec.Struct) -> bool:
        """Whether nothing is wrong: the ordinary case, found at a fraction of what it costs to say what is."""
        for part in self._compiled.checked:
            one = getattr(value, part.attribute)
            if one is None:
                continue
            for each in one if part.field.repeat else (one,):
                if not self.valid(part, each):
                    return False
        return not self.disordered(value)

    def valid(self, part: Part, one: Any) -> bool:
        """Whether one value of a field is a code in force and has the right check digits, where it has to."""
        if part.codes is not None and part.codes.row(str(one), self.on) is None:
            return False
        return part.identifier is None or part.identifier.valid(str(one), self.on)

    def _second(self, part: Part, value: object) -> Iterator[Violation]:
        for path, one in values(part, value):
            if part.codes is not None and part.codes.row(str(one), self.on) is None:
                yield part.violation("code", path, list=part.codes.definition.id)
            if part.identifier is not None:
                verdict = part.identifier.check(str(one), self.on)
                if not verdict.valid:
                    rule = "check-digit" if verdict.reason == "check-digit" else "identifier"
                    yield part.violation(rule, path, reason=verdict.reason)

    def _shaped(self, value: msgspec.Struct) -> msgspec.Struct:
        if found := list(self._compiled.later(value)):
            raise Invalid(violations=found)
        return value

    def _invalid(self, value: object) -> Invalid:
        return Invalid(violations=list(self._violations(value)))

    def _violations(self, value: object) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield Violation("$", "type", NOT_AN_OBJECT)
            return
        by_name = {part.field.name: part for part in self._compiled.parts}
        seen: set[str] = set()
        for flaw in flaws(value, self._compiled.strict):
            name = flaw.path[2:].split("[", 1)[0].split(".", 1)[0]
            seen.add(flaw.path)
            yield self._violation(by_name.get(name), flaw)
        yield from self._later_of_plain(value, seen)

    def _violation(self, part: Part | None, flaw: Flaw) -> Violation:
        if part is None:
            return Violation("$", "unknown", UNKNOWN)
        return part.violation(flaw.rule if flaw.rule in DETAILS else "type", flaw.path)

    def _later_of_plain(self, value: Mapping[str, Any], seen: set[str]) -> Iterator[Violation]:
        """RE2 patterns and decimals of the fields whose plain shape was right."""
        for part in self._compiled.parts:
            after: Callable[[Any], str] | None = part.shape.after
            for path, one in values(part, value) if after is not None else ():
                if after is None or path in seen or f"$.{part.field.name}" in seen:
                    continue
                rule = "type" if part.shape.type is Decimal and isinstance(one, str) else after(_typed(part, one))
                if rule:
                    yield part.violation(rule, path)

    def schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of the shape."""
        properties = {part.field.name: _property(part) for part in self._compiled.parts}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:gdbos:record:{self.id}",
            "title": self.title.zh,
            "description": self.title.en,
            "type": "object",
            "properties": properties,
            "required": [part.field.name for part in self._compiled.parts if part.field.required],
            "additionalProperties": False,
        }


ENCODER = msgspec.json.Encoder(decimal_format="number")


def _typed(part: Part, one: Any) -> Any:
    return Decimal(str(one)) if part.shape.type is Decimal else one


def _absent(name: str) -> Element:
    raise KeyError(name)


def _untyped(body: bytes | str) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not JSON that can be read.") from None


def _property(part: Part) -> dict[str, Any]:
    about: dict[str, Any] = {"title": part.title.zh, "description": part.title.en, "x-element": part.element.id}
    if part.element.scheme:
        about["x-scheme"] = part.element.scheme
    if part.codes is not None:
        about["x-codes"] = part.codes.definition.id
    one: dict[str, Any] = part.shape.schema
    if part.field.repeat:
        one = {"type": "array", "items": one, "minItems": 1}
    return {**about, **one} if part.field.required else {**about, "anyOf": [one, {"type": "null"}]}
