"""Examples of a pack: what must pass and what must not. A pack whose own examples fail is not published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from gdbos.errors import Invalid, Problem
from gdbos.text import Text

from .basis import ceased
from .chain import read
from .counting import due
from .deadline import Extension, Suspension
from .fault import Fault, nearest
from .layer import Layer
from .load import Kinds, assemble
from .pack import Source, head
from .registry import Standards
from .shape import flaws


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[valid]]`` or ``[[invalid]]``."""

    kind: Literal["identifier", "record", "code", "deadline"]
    id: str = ""
    """The scheme, record, code list or deadline rule."""
    value: Any = None
    rule: str = ""
    """For an invalid one: the rule it must break; empty for any."""
    on: date | None = None
    start: date | None = None
    days: int | None = None
    division: str = ""
    due: date | None = None
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    title: Text | None = None
    note: Text | None = None
    source: str = ""


def check(
    folder: Path, kinds: Kinds | None = None, beneath: Sequence[Path] | None = None, on: date | None = None
) -> list[Fault]:
    """Everything wrong with the pack in ``folder``, its own examples included.

    ``beneath``: where the packs lie that it extends; by default, beside it. ``on``: the day examples without one are tried.
    """
    around = [folder.parent] if beneath is None else list(beneath)
    if not (folder / "pack.toml").is_file():
        return [Fault(rule="missing", detail="there is no pack.toml in this folder", file=str(folder))]
    sources, faults = read([folder, *(one for one in around if one != folder)], kinds or {}, [_id(folder)], {})
    standards = assemble(sources, kinds or {}, faults)
    if not faults:
        own = next(one for one in sources if one.folder == folder)
        faults += unsound(standards, own, on or datetime.now(UTC).date())
    return faults


def unsound(standards: Standards, own: Source, on: date) -> Iterator[Fault]:
    """What only whoever writes the pack can mend: examples that fail, and rules that outlive the law they rest on."""
    yield from failing(standards, own.examples, on)
    for one in ceased(standards):
        for layer in own.layers:
            if (layer.kind, layer.id) == (one.kind, one.id) and one.pack == own.head.id:
                detail = f"rests on {one.basis} ({one.title.zh}), which ended on {one.ended}"
                hint = f"name the law that took its place, or end the rule with until = {one.ended}"
                yield layer.fault("ceased", detail, "basis", hint)


def _id(folder: Path) -> str:
    """The pack's id as far as it can be read; the folder's faults are told by reading it again."""
    faults: list[Fault] = []
    found = head(folder, faults)
    return found.id if found else folder.name


def failing(standards: Standards, examples: Sequence[Layer], on: date) -> Iterator[Fault]:
    """The examples that do not do what they say."""
    for layer in examples:
        found = flaws(layer.table, Example)
        for flaw in found:
            yield layer.fault(
                "example", flaw.detail or flaw.rule, flaw.path.removeprefix("$."), nearest(flaw.path, flaw.known)
            )
        if not found:
            yield from _try(standards, layer, msgspec.convert(layer.table, Example), on)


def _try(standards: Standards, layer: Layer, example: Example, on: date) -> Iterator[Fault]:
    broken = sorted(_broken(standards, example, on))
    name = f"{example.kind} {example.id}"
    if layer.kind == "valid" and broken:
        yield layer.fault("example", f"this {name} must pass, and breaks: {', '.join(broken)}", "value")
    elif layer.kind == "invalid" and not broken:
        yield layer.fault("example", f"this {name} must not pass, and does", "value")
    elif layer.kind == "invalid" and example.rule and example.rule not in broken:
        yield layer.fault(
            "example", f"this {name} must break {example.rule!r}, and breaks: {', '.join(broken)}", "rule"
        )


def _broken(standards: Standards, example: Example, on: date) -> set[str]:
    """The rules an example breaks."""
    try:
        return TRIALS[example.kind](standards, example, example.on or on)
    except Invalid as invalid:
        return {violation.rule for violation in invalid.violations} or {invalid.code}
    except Problem as problem:
        return {problem.code}


def _identifier(standards: Standards, example: Example, on: date) -> set[str]:
    verdict = standards.identifier(example.id, on).check(str(example.value), on)
    return set() if verdict.valid else {verdict.reason}


def _record(standards: Standards, example: Example, on: date) -> set[str]:
    record = standards.record(example.id, on)
    plain = example.value if isinstance(example.value, Mapping) else None
    value = record.decode(str(example.value)) if plain is None else record.convert(plain)
    return {violation.rule for violation in record.check(value)}


def _code(standards: Standards, example: Example, on: date) -> set[str]:
    return set() if str(example.value) in standards.codes(example.id, on) else {"code"}


def _deadline(standards: Standards, example: Example, on: date) -> set[str]:
    rule = standards.deadline(example.id, example.on) if example.id else example.days or 0
    start = example.start or on
    answer = due(start, rule, standards.calendar(example.division), example.suspensions, example.extensions)
    return set() if answer.due == example.due else {"due"}


TRIALS: Mapping[str, Callable[[Standards, Example, date], set[str]]] = {
    "identifier": _identifier,
    "record": _record,
    "code": _code,
    "deadline": _deadline,
}
