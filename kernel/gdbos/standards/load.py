"""Loading: read the packs, lay them over each other, decode every item strictly, check every reference; all faults together."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gdbos.errors import Misconfigured, Problem

from .chain import read
from .document import Document, Envelope
from .fault import Fault, PackRefused, nearest
from .layer import Layer, Layers, Merged, lay, speaker, start
from .loosening import LOOSENS
from .marks import mistaken
from .pack import NATIVE, Source
from .references import dangling
from .registry import KINDS, Standards
from .shape import Flaw, flaws, keys, strays
from .span import Days, Published
from .step import Step, field_of, loosened


class DocumentKind(Protocol):
    """A plugin's kind: the struct its documents decode to, and what else must hold of one."""

    @property
    def struct(self) -> type[msgspec.Struct]: ...
    @property
    def check(self) -> Callable[[Any, Any], Iterable[str]] | None: ...
    @property
    def loosens(self) -> Callable[[Any, Any, Any], Iterable[str]] | None: ...


Kinds = Mapping[str, type[msgspec.Struct] | DocumentKind]
"""By folder name."""

ENVELOPE_KEYS = tuple(field.encode_name for field in msgspec.structs.fields(Envelope) if field.encode_name != "id")


def load(folders: Sequence[Path], kinds: Kinds, chain: Sequence[str], published: Published | None = None) -> Standards:
    """Load the packs of ``chain`` (upper first), those they extend, and every folder that is a pack itself.

    ``folders``: packs, or folders of packs. ``kinds``: document kinds that plugins declare, by folder name. An empty chain takes all.
    ``published``: editions that speak for their pack, in place of the folders', from the day of their publication on.

    Raises:
        PackRefused: something is wrong; it lists every fault of every pack.
    """
    check_kinds(kinds)
    with _without_collecting():
        sources, faults = read(folders, kinds, chain, published or {})
        standards = assemble(sources, kinds, faults)
    if faults:
        raise PackRefused(faults)
    return standards


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Loading makes hundreds of thousands of tables and no circles: collecting garbage meanwhile costs a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def check_kinds(kinds: Kinds) -> None:
    """:raises Misconfigured: a plugin's kind has the name of one of the registry's own."""
    taken = sorted(set(kinds) & {*KINDS, "examples"})
    if taken:
        raise Misconfigured(f"document kinds may not be called {', '.join(taken)}: the registry's own kinds are")


def assemble(sources: Sequence[Source], kinds: Kinds, faults: list[Fault]) -> Standards:
    """Lay the packs over each other; faults are added to ``faults``, and what is faulty is left out."""
    declared = {name: _struct(kind) for name, kind in kinds.items()}
    all_kinds = {**KINDS, **declared}
    rules = {**LOOSENS, **{name: rule for name, kind in kinds.items() if (rule := _loosens(kind))}}
    steps: list[Step] = []
    documents: dict[str, dict[str, tuple[Document[Any], ...]]] = defaultdict(dict)
    above = _above(sources)
    grouped = _grouped(sources)
    for (kind, id), layers in grouped.items():
        if sound := [layer for layer in layers if _known_keys(layer, all_kinds[kind], faults)]:
            versions = tuple(_versions(sound, all_kinds[kind], above, faults, steps))
            if versions:
                documents[kind][id] = versions
    by_kind = {kind: dict(sorted(items.items())) for kind, items in documents.items()}
    standards = Standards([one.pack() for one in sources], by_kind, declared)
    faults += dangling(standards, grouped)
    faults += _complaints(standards, kinds, grouped)
    faults += dict.fromkeys(loosened((step for step in steps if step.layer.kind in rules), rules, standards))
    return standards


def _loosens(kind: type[msgspec.Struct] | DocumentKind) -> Callable[[Any, Any, Any], Iterable[str]] | None:
    return None if isinstance(kind, type) else kind.loosens


def _struct(kind: type[msgspec.Struct] | DocumentKind) -> type[msgspec.Struct]:
    return kind if isinstance(kind, type) else kind.struct


def _complaints(standards: Standards, kinds: Kinds, layers: Layers) -> Iterator[Fault]:
    """What the plugins' own checks say of their documents."""
    for name, kind in kinds.items():
        if isinstance(kind, type) or not kind.check:
            continue
        for id in standards.ids(name):
            for version in standards.versions(name, id):
                for complaint in _complained(kind.check, version, standards):
                    key, detail = field_of(complaint)
                    yield speaker(layers[name, id], key, version.since or date.min).fault("document", detail, key)


def _complained(check: Callable[[Any, Any], Iterable[str]], version: Document[Any], standards: Standards) -> list[str]:
    """What a kind says of a document; where it looks for what is not there, that."""
    try:
        return list(check(version.value, standards))
    except Problem as missing:
        return [missing.message()]


def _above(sources: Sequence[Source]) -> dict[str, set[str]]:
    """Pack → the packs it extends, directly or not."""
    above: dict[str, set[str]] = {}
    for one in sources:
        far = (far for near in one.head.extends for far in above.get(near, ()))
        above[one.head.id] = {*above.get(one.head.id, ()), *one.head.extends, *far}
    return above


def _grouped(sources: Sequence[Source]) -> Layers:
    grouped: Layers = defaultdict(list)
    for one in sources:
        for layer in one.layers:
            group = grouped[layer.kind, layer.id]
            if group and _goes_on(group[-1], layer):
                group[-1] = msgspec.structs.replace(
                    layer, since=group[-1].since, edition=Days(group[-1].edition.since, layer.edition.until)
                )
            else:
                group.append(layer)
    return grouped


def _goes_on(before: Layer, layer: Layer) -> bool:
    """Whether an edition says the same as the one before it: most items do, and they are merged and shown as one."""
    met = before.until is not None and before.until == layer.since and before.edition.until == layer.edition.since
    said = (layer.pack, layer.table, layer.confidence)
    return met and (before.pack, before.table, before.confidence) == said


def _known_keys(layer: Layer, struct: type[msgspec.Struct], faults: list[Fault]) -> bool:
    """Whether every key of the layer is one that its kind, or any item, or any entry may have; locks and titles are looked at, too."""
    allowed = keys(struct)
    whole = msgspec.structs.replace(allowed, names={**(allowed.names or {}), **dict.fromkeys(ENVELOPE_KEYS)})
    found = [_fault(layer, flaw) for flaw in strays(layer.table, whole) if not _of_entry(flaw)]
    found += [layer.fault(rule, detail, key, hint) for rule, key, detail, hint in mistaken(layer.table, whole)]
    faults += found
    return not found


def _of_entry(flaw: Flaw) -> bool:
    """``locked`` and ``withdrawn`` may stand in any entry of a list: they speak to the layers, not to the kind."""
    return flaw.path.endswith(("].locked", "].withdrawn"))


def _fault(layer: Layer, flaw: Flaw) -> Fault:
    key = flaw.path.removeprefix("$.")
    if flaw.rule == "unknown":
        return layer.fault("unknown-key", "no such key", key, nearest(key.rsplit(".", 1)[-1], flaw.known))
    if flaw.rule == "required":
        return layer.fault("missing", "must be given", key)
    if flaw.rule == "type" and flaw.detail.startswith("Expected `date"):
        return layer.fault("date", flaw.detail, key)
    return layer.fault(flaw.rule, flaw.detail, key)


def _versions(
    layers: list[Layer],
    struct: type[msgspec.Struct],
    above: Mapping[str, set[str]],
    faults: list[Fault],
    steps: list[Step],
) -> Iterator[Document[Any]]:
    """The item in each span of days in which the same layers speak."""
    if not _lawful(layers, above, faults):
        return
    days = sorted({day for layer in layers for day in (layer.since, layer.until) if day is not None})
    told: set[Fault] = set()
    for since, until in zip([None, *days], [*days, None], strict=True):
        day = since or date.min
        speaking = [layer for layer in layers if layer.covers(day)]
        if speaking and speaking[0].pack == _owner(layers, day):
            found = _version(speaking, struct, since, until, told, steps)
            if found is not None:
                yield found
    faults += sorted(told, key=str)


def _owner(layers: list[Layer], day: date) -> str:
    """The uppermost pack whose edition of that day has the item, though the item itself may not be in force then."""
    return next(layer.pack for layer in layers if layer.edition.covers(day))


def _lawful(layers: list[Layer], above: Mapping[str, set[str]], faults: list[Fault]) -> bool:
    """Whether each layer may speak of the item: its pack extends the one that brought it, and no pack says two things at once."""
    before = len(faults)
    owner = layers[0]
    for at, layer in enumerate(layers):
        if layer.since and layer.until and layer.until <= layer.since:
            faults.append(layer.fault("period", "until must come after from", "until"))
        if layer.pack != owner.pack and owner.pack not in above[layer.pack] and owner.edition.meets(layer.edition):
            faults.append(layer.fault("duplicate", f"the pack {owner.pack!r} has this item ({owner.file}), and {layer.pack!r} does not extend it", "id"))  # fmt: skip
        for other in layers[:at]:
            if other.pack == layer.pack and _meet(other, layer):
                faults.append(layer.fault("duplicate", f"the same id stands in {other.file} for the same days", "id"))
    return len(faults) == before


def _meet(a: Layer, b: Layer) -> bool:
    return Days(a.since, a.until).meets(Days(b.since, b.until))


def _version(
    layers: list[Layer],
    struct: type[msgspec.Struct],
    since: date | None,
    until: date | None,
    told: set[Fault],
    steps: list[Step],
) -> Document[Any] | None:
    merged = start(layers[0])
    for at, layer in enumerate(layers[1:], 1):
        steps += _step(merged, layers[:at], layer, struct)
    told.update(merged.faults)
    if merged.withdrawn:
        return None
    found = _decode(merged, layers, struct)
    if isinstance(found, list):
        told.update(found)
        return None
    value, envelope = found
    return Document(
        kind=layers[0].kind,
        id=layers[0].id,
        value=value,
        pack=layers[0].pack,
        file=layers[0].file,
        locks=merged.locks,
        changes=tuple(merged.changes),
        since=since,
        until=until,
        basis=envelope.basis,
        confidence=envelope.confidence,
        source=envelope.source,
        note=envelope.note,
    )


def _step(merged: Merged, above: list[Layer], layer: Layer, struct: type[msgspec.Struct]) -> Iterator[Step]:
    """Lay the next pack over the item; what cannot be decoded is told when all have spoken."""
    before, gone = merged.table, merged.withdrawn
    lay(merged, layer)
    if gone or (merged.table == before and not merged.withdrawn):
        return
    try:
        upper, after = (
            msgspec.convert(_own(one, struct), struct, builtin_types=NATIVE) for one in (before, merged.table)
        )
    except (msgspec.ValidationError, ValueError, TypeError):
        return
    yield Step(upper=upper, lower=None if merged.withdrawn else after, layer=layer, above=above)


def _decode(
    merged: Merged, layers: list[Layer], struct: type[msgspec.Struct]
) -> tuple[msgspec.Struct, Envelope] | list[Fault]:
    table = _own(merged.table, struct)
    plain = {"id": merged.table["id"]} | {key: merged.table[key] for key in ENVELOPE_KEYS if key in merged.table}
    try:
        return (
            msgspec.convert(table, struct, builtin_types=NATIVE),
            msgspec.convert(plain, Envelope, builtin_types=NATIVE),
        )
    except (msgspec.ValidationError, ValueError, TypeError):
        found = flaws(table, struct, native=NATIVE) + flaws(plain, Envelope, native=NATIVE)
        return [_fault(speaker(layers, flaw.path.removeprefix("$.")), flaw) for flaw in found]


def _own(table: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    """What of an item's table its kind decodes."""
    known = struct.__struct_encode_fields__
    return _without_marks(
        {key: value for key, value in table.items() if key in known or key not in ENVELOPE_KEYS}, struct
    )


def _without_marks(table: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The table without ``locked`` in entries whose struct does not know it."""
    names = keys(struct).names or {}
    return {
        key: [_unmarked(one, names.get(key)) for one in value] if isinstance(value, list) else value
        for key, value in table.items()
    }


def _unmarked(entry: Any, allowed: Any) -> Any:
    if not isinstance(entry, dict) or not ({"locked", "withdrawn"} & entry.keys()):
        return entry
    known: Iterable[str] = (allowed.each.names if allowed is not None and allowed.each is not None else None) or ()
    return {key: value for key, value in entry.items() if key in known or key not in ("locked", "withdrawn")}
