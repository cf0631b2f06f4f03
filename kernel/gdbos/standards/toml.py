"""Items written as TOML, the way packs are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec


def toml_of(head: Mapping[str, Any], tables: Mapping[str, Iterable[Any]]) -> str:
    """``head`` as keys, then each of ``tables`` as ``[[name]]``; structs and plain data alike."""
    parts = ["".join(f"{key} = {_value(value)}\n" for key, value in head.items())] if head else []
    parts += [f"[[{name}]]\n{_lines(one)}" for name, ones in tables.items() for one in ones]
    return "\n".join(parts)


def _lines(one: Any) -> str:
    plain: Mapping[str, Any] = msgspec.to_builtins(one, builtin_types=(date,))
    return "".join(f"{key} = {_value(value)}\n" for key, value in plain.items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items() if inner is not None) + " }"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
