"""Reading what people wrote by hand, strictly, with errors that name the key and the nearest one that exists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one value: dotted path of the key, and a sentence."""

    path: str
    detail: str


def decode(kind: type[T], value: object, *, at: str = "") -> T | Fault:
    """``value`` as ``kind``, or the first fault with the path of the key below ``at``."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as failure:
        return _fault(kind, value, str(failure), at)


def _fault(kind: Any, value: object, message: str, at: str) -> Fault:
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    dotted = ".".join(p for p in (at, path.removeprefix("$").removeprefix(".")) if p)
    if unknown := _UNKNOWN.match(what):
        name = unknown["name"]
        known = _fields_at(kind, path)
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(sorted(known)) or 'nothing'}"
        return Fault(f"{dotted}.{name}" if dotted else name, f'unknown key "{name}"; {hint}')
    return Fault(dotted, what[:1].lower() + what[1:])


def _fields_at(kind: Any, path: str) -> list[str]:
    found: inspect.Type = inspect.type_info(kind)
    for step in re.findall(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[([^\]]*)\]", path):
        found = _step(_plain(found), step[0])
    found = _plain(found)
    return [f.encode_name for f in found.fields] if isinstance(found, inspect.StructType) else []


def _plain(found: inspect.Type) -> inspect.Type:
    while isinstance(found, inspect.Metadata):
        found = found.type
    if isinstance(found, inspect.UnionType):
        structs = [t for t in found.types if isinstance(t, inspect.StructType | inspect.DictType | inspect.ListType)]
        return _plain(structs[0]) if structs else found
    return found


def _step(found: inspect.Type, name: str) -> inspect.Type:
    if name and isinstance(found, inspect.StructType):
        return next((f.type for f in found.fields if f.encode_name == name), found)
    if isinstance(found, inspect.DictType):
        return found.value_type
    if isinstance(found, inspect.ListType | inspect.CollectionType):
        return found.item_type
    return found


def nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    """``did you mean "x"?`` for a name that is not among ``known``, or nothing when none is near."""
    near = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f' Did you mean "{near[0]}"?' if near else ""
