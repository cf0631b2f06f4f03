"""Every flaw of a value against a type. msgspec stops at the first; whoever must mend a form or a pack wants all."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


class Flaw(msgspec.Struct, frozen=True):
    """One value that does not fit its type."""

    path: str
    """``$.field[3].name``"""
    rule: str
    """``required``, ``unknown``, ``type``, ``length``, ``pattern``, ``range``, ``date``"""
    detail: str = ""
    known: tuple[str, ...] = ()
    """For ``unknown``: the keys that could have stood there."""


class Keys(msgspec.Struct):
    """The keys that tables of a type may have, all the way down; ``None`` where any key may stand."""

    names: dict[str, Keys | None] | None = None
    each: Keys | None = None


def flaws(value: object, type_: Any, path: str = "$", *, native: tuple[type, ...] = ()) -> list[Flaw]:
    """All flaws of ``value``; empty exactly when ``msgspec.convert(value, type_)`` succeeds.

    ``native``: types that the format has by itself, so that no text stands for one of them (TOML's dates).
    """
    found = list(_inner(value, type_, path, native))
    if found:
        return found
    try:
        msgspec.convert(value, type_, builtin_types=native or None)
    except msgspec.ValidationError as error:
        return [_flaw(str(error), path)]
    except (ValueError, TypeError, RecursionError) as error:
        return [Flaw(path, "type", str(error))]
    return []


def _inner(value: object, type_: Any, path: str, native: tuple[type, ...]) -> Iterator[Flaw]:
    bare = _bare(type_, value)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct) and isinstance(value, Mapping):
        yield from _table(value, bare, path, native)
        return
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin in (list, tuple) and isinstance(value, list | tuple) and (origin is list or arguments[1:] == (...,)):
        for index, entry in enumerate(value):
            yield from flaws(entry, arguments[0], f"{path}[{index}]", native=native)
    elif origin is not None and _is_mapping(origin) and isinstance(value, Mapping):
        for key, entry in value.items():
            yield from flaws(entry, arguments[1], f"{path}.{key}", native=native)


def _is_mapping(origin: Any) -> bool:
    """Whether a generic's origin is a mapping type."""
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _table(
    value: Mapping[Any, Any], struct: type[msgspec.Struct], path: str, native: tuple[type, ...]
) -> Iterator[Flaw]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    tag = struct.__struct_config__.tag_field
    for key in value:
        if key not in fields and key != tag:
            yield Flaw(f"{path}.{key}", "unknown", known=tuple(fields))
    for name, field in fields.items():
        if name in value:
            yield from flaws(value[name], field.type, f"{path}.{name}", native=native)
        elif field.required:
            yield Flaw(f"{path}.{name}", "required")


def _bare(type_: Any, value: object) -> Any:
    """``type_`` without Annotated, and without None where a value is there."""
    if typing.get_origin(type_) is typing.Annotated:
        return _bare(typing.get_args(type_)[0], value)
    if typing.get_origin(type_) in (typing.Union, types.UnionType):
        rest = [one for one in typing.get_args(type_) if one not in (type(None), msgspec.UnsetType)]
        return _bare(rest[0], value) if len(rest) == 1 and value is not None else type_
    return type_


RULES = (
    ("missing required field", "required"),
    ("unknown field", "unknown"),
    ("matching regex", "pattern"),
    ("of length", "length"),
    ("RFC3339", "date"),
    ("timezone", "date"),
    ("<=", "range"),
    (">=", "range"),
    ("multiple", "range"),
)


def _flaw(message: str, path: str) -> Flaw:
    detail, _, inside = message.partition(" - at `$")
    rule = next((rule for words, rule in RULES if words in detail), "type")
    return Flaw(path + inside.rstrip("`"), rule, detail)


@functools.lru_cache(maxsize=1024)
def keys(struct: type[msgspec.Struct]) -> Keys:
    """The keys that a table of ``struct`` may have."""
    return _keys(msgspec.inspect.type_info(struct), {}) or Keys()


def _keys(info: msgspec.inspect.Type, seen: dict[type, Keys]) -> Keys | None:
    if isinstance(info, msgspec.inspect.Metadata):
        return _keys(info.type, seen)
    if isinstance(info, msgspec.inspect.StructType):
        return _struct_keys(info, seen)
    if isinstance(info, msgspec.inspect.ListType | msgspec.inspect.VarTupleType | msgspec.inspect.SetType):
        return _each(info.item_type, seen)
    if isinstance(info, msgspec.inspect.DictType):
        return _each(info.value_type, seen)
    if isinstance(info, msgspec.inspect.UnionType):
        return _union([part for part in (_keys(one, seen) for one in info.types) if part is not None])
    return None


def _each(info: msgspec.inspect.Type, seen: dict[type, Keys]) -> Keys | None:
    inner = _keys(info, seen)
    return Keys(each=inner) if inner else None


def _struct_keys(info: msgspec.inspect.StructType, seen: dict[type, Keys]) -> Keys:
    if info.cls in seen:
        return seen[info.cls]
    made = seen[info.cls] = Keys(names={})
    assert made.names is not None
    for field in info.fields:
        made.names[field.encode_name] = _keys(field.type, seen)
    if info.tag_field:
        made.names[info.tag_field] = None
    return made


def _union(parts: list[Keys]) -> Keys | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    names: dict[str, Keys | None] = {}
    for part in parts:
        names.update(part.names or {})
    return Keys(names=names or None, each=next((part.each for part in parts if part.each), None))


def strays(value: object, allowed: Keys | None, path: str = "$") -> Iterator[Flaw]:
    """Keys of ``value``, all the way down, that no struct of the type knows."""
    if allowed is None:
        return
    if isinstance(value, dict):
        for key, entry in value.items():
            if allowed.names is not None and key not in allowed.names:
                yield Flaw(f"{path}.{key}", "unknown", known=tuple(allowed.names))
            elif isinstance(entry, dict | list):
                yield from strays(
                    entry, allowed.names[key] if allowed.names is not None else allowed.each, f"{path}.{key}"
                )
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            if isinstance(entry, dict | list):
                yield from strays(entry, allowed.each, f"{path}[{index}]")
