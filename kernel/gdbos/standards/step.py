"""Steps (叠加): what one lower pack makes of an item, looked at for what it may not do to an upper pack's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from .fault import Fault
from .layer import Layer, speaker
from .registry import Standards

Loosens = Callable[[Any, Any, Any], Iterable[str]]

_FIELD = re.compile(r"([a-z_]+(?:[.\[][^\s:]*)?): (.*)", re.S)
"""A complaint that begins with the field it is about: ``materials[id-card].basis: …``."""


class Step(msgspec.Struct, kw_only=True):
    """An item before and after one lower pack spoke of it."""

    upper: Any
    lower: Any
    """None where the lower pack withdraws it."""
    layer: Layer
    """Of the lower pack."""
    above: Sequence[Layer]
    """Those that had spoken before."""


def field_of(complaint: str) -> tuple[str, str]:
    """The field that a complaint begins with, and the rest; no field where it begins with none."""
    found = _FIELD.match(complaint)
    return (found[1], found[2]) if found else ("", complaint)


def loosened(steps: Iterable[Step], rules: Mapping[str, Loosens], standards: Standards) -> Iterator[Fault]:
    """What lower packs loosened, each with whose it is."""
    for step in steps:
        for complaint in rules[step.layer.kind](step.upper, step.lower, standards):
            field, detail = field_of(complaint)
            owner = speaker(step.above, field, step.layer.since or date.min).pack
            hint = (
                f"leave it as the pack {owner!r} has it, or be stricter; only whoever publishes that pack may widen it"
            )
            yield step.layer.fault("loosened", detail, field, hint)
