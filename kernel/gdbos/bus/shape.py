"""What leaves the bus: granted fields only, masked by the element each holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from gdbos.standards import Standards

Masker = Callable[[Any, Standards, date], Any]


def minimise(reply: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Only the granted ``fields`` of ``reply``; all of them where the grant names none."""
    return {name: value for name, value in reply.items() if not fields or name in fields}


@cache
def masker(kind: type[msgspec.Struct]) -> Masker | None:
    """How to mask replies of ``kind``, as builtins; nothing where no field holds a masked element.

    A field says which element it holds by ``Annotated[str, Meta(extra={"element": "citizen-id"})]``; one that holds values under
    the ids of their elements by ``Annotated[dict[str, Any], Meta(extra={"keys": "element"})]``; one of which nothing may be
    seen unless it is granted clear by ``Meta(extra={"mask": "whole"})``.
    """
    return _masker(inspect.type_info(kind))


def _masker(found: inspect.Type) -> Masker | None:
    match found:
        case inspect.Metadata(type=inner, extra=extra):
            return _said(extra or {}) or _masker(inner)
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


def _said(extra: Mapping[str, Any]) -> Masker | None:
    """The masker that a field's own annotation asks for."""
    if element := extra.get("element"):
        return _element(element)
    if extra.get("keys") == "element":
        return _by_key
    return _wholly if extra.get("mask") == "whole" else None


def _by_key(values: Any, standards: Standards, on: date) -> Any:
    return {key: standards.mask(key, value, on) for key, value in (values or {}).items()}


def _wholly(value: Any, standards: Standards, on: date) -> Any:
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
