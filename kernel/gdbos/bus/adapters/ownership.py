"""Whose places and secrets a service may name that a department registers itself.

A pack is chosen by the node's operator and may name every place. What comes in online may not: or a department could have another
department's system asked with the key that was given to this node for something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gdbos.bus.adapters.settings import PLACE
from gdbos.config import Bus
from gdbos.errors import Misconfigured

ADDRESSES = frozenset({"base", "database", "folder", "token"})
AT_PLACE = re.compile(r"\A\{[a-z][a-z0-9_]*\}(/[^{}]*)?\Z")
"""A place, or what lies beneath it: anything else behind the name could make another host, port or path of it."""
KEY_FILE = re.compile(r"\A\{[a-z][a-z0-9_]*\}/[\w][\w.-]*\Z")
ANYBODY = "*"


def refuse_foreign(settings: Mapping[str, Any], body: str, bus: Bus) -> None:
    """:raises Misconfigured: an address or a secret is not at a place that is open to services of ``body``; names the key."""
    for path, value in _leaves(settings, "settings"):
        key = path.rpartition(".")[2]
        if isinstance(value, Mapping):
            if not KEY_FILE.match(str(value.get("file", ""))):
                raise Misconfigured(
                    f'[{path}] a secret is {{ file = "{{place}}/name" }}, at a place that is open to your body'
                )
            value = value["file"]
        elif not isinstance(value, str):
            continue
        elif key in ADDRESSES and (not AT_PLACE.match(value) or ".." in value.split("/")):
            raise Misconfigured(f'[{path}] {value} is not among the places of this node; write {key} = "{{place}}"')
        for name in PLACE.findall(value):
            if name in bus.places and not {ANYBODY, body} & set(bus.place(name).bodies):
                raise Misconfigured(
                    f'[{path}] the place "{name}" is not open to services of your body;'
                    f" the node's operator names those bodies in [bus.places.{name}] bodies"
                )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value with its dotted key; a secret is one."""
    if isinstance(value, Mapping) and value and not set(value) <= {"env", "file"}:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{at}")
    else:
        yield path, value
