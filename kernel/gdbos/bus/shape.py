"""What leaves the bus: granted fields only, masked by the element each holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from gdbos.standards import Record, Standards

Masker = Callable[[Any, Standards, date], Any]


def minimise(reply: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Only the granted ``fields`` of ``reply``; all of them where the grant names none."""
    return {name: value for name, value in reply.items() if not fields or name in fields}


def mask_record(values: Mapping[str, Any], record: Record, standards: Standards, on: date) -> dict[str, Any]:
    """``values`` of a standard record with each element masked by its own rule."""
    return {
        name: standards.mask(record.element(name).id, value, on) if isinstance(value, str) else value
        for name, value in values.items()
    }


@cache
def masker(kind: type[msgspec.Struct]) -> Masker | None:
    """How to mask replies of ``kind``, as builtins; nothing where no field holds a masked element.

    A field says which element it holds by ``Annotated[str, Meta(extra={"element": "citizen-id"})]``.
    """
    return _masker(inspect.type_info(kind))


def _masker(found: inspect.Type) -> Masker | None:
    match found:
        case inspect.Metadata(type=inner, extra=extra):
            element = (extra or {}).get("element")
            return _element(element) if element else _masker(inner)
        case inspect.StructType(fields=fields):
            own = {f.encode_name: m for f in fields if (m := _masker(f.type)) is not None}
            return _struct(own) if own else None
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            mask_item = _masker(item)
            return _each(mask_item) if mask_item else None
        case inspect.UnionType(types=types):
            return next((m for t in types if (m := _masker(t)) is not None), None)
        case _:
            return None


def _element(element: str) -> Masker:
    def mask(value: Any, standards: Standards, on: date) -> Any:
        return standards.mask(element, value, on) if isinstance(value, str) else value

    return mask


def _struct(own: Mapping[str, Masker]) -> Masker:
    def mask(value: Any, standards: Standards, on: date) -> Any:
        if not isinstance(value, dict):
            return value
        return value | {name: inner(value[name], standards, on) for name, inner in own.items() if name in value}

    return mask


def _each(inner: Masker) -> Masker:
    def mask(value: Any, standards: Standards, on: date) -> Any:
        return [inner(one, standards, on) for one in value or ()]

    return mask
