"""Which packs take part, in which order, and who speaks for each of them on which days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .fault import Fault, line_of, nearest
from .pack import RANK, Head, Source, head, packs_in, source
from .span import Published, Speaking, silent

Found = dict[str, tuple[Path, Head]]
"""By pack: its folder and what its ``pack.toml`` says."""


def read(
    folders: Sequence[Path], kinds: Mapping[str, object], chain: Sequence[str], published: Published
) -> tuple[list[Source], list[Fault]]:
    """The packs that take part, upper first, each as its editions speak; and what was wrong with them so far."""
    faults: list[Fault] = []
    lying, named = _heads(folders, faults)
    newest = {id: (spoken[-1].folder, read_head) for id, spoken in published.items() if spoken and (read_head := head(spoken[-1].folder, faults))}  # fmt: skip
    heads = {**lying, **newest}
    wanted = _wanted(heads, [*named, *(id for id in newest if id not in named)], chain, faults)
    ordered = _ordered({id: heads[id] for id in wanted}, chain, faults)
    sources = [one for id in ordered for one in _editions(lying.get(id), published.get(id, ()), kinds, faults)]
    return sources, faults


def _editions(
    lying: tuple[Path, Head] | None, spoken: Sequence[Speaking], kinds: Mapping[str, object], faults: list[Fault]
) -> Iterator[Source]:
    """A pack's editions, those that spoke first before the others; the pack in the folders fills the days between."""
    found: list[Source] = []
    if lying is not None:
        whole = source(*lying, kinds, faults)
        found += [whole.during(days) for days in silent(spoken)]
    for one in spoken:
        if (read_head := head(one.folder, faults)) is not None:
            found.append(source(one.folder, read_head, kinds, faults).during(one.days))
    yield from sorted(found, key=lambda one: (one.days.since is not None, one.days.since))


def _heads(folders: Sequence[Path], faults: list[Fault]) -> tuple[Found, list[str]]:
    heads: Found = {}
    named: list[str] = []
    for folder, explicit in packs_in(tuple(folders)):
        read_head = head(folder, faults)
        if read_head is None:
            continue
        if read_head.id in heads and heads[read_head.id][0].resolve() != folder.resolve():
            other = heads[read_head.id][0]
            faults.append(_of_pack(folder, read_head.id, "duplicate", f"the pack {other} has the same id", "id"))
            continue
        heads[read_head.id] = (folder, read_head)
        if explicit:
            named.append(read_head.id)
    return heads, named


def _of_pack(folder: Path, pack: str, rule: str, detail: str, key: str, hint: str = "") -> Fault:
    line = line_of(folder / "pack.toml", "", key)
    return Fault(rule=rule, detail=detail, file=f"{folder.name}/pack.toml", line=line, pack=pack, key=key, hint=hint)


def _wanted(heads: Found, named: list[str], chain: Sequence[str], faults: list[Fault]) -> list[str]:
    """The ids asked for and all they extend."""
    wanted: list[str] = []
    waiting = [*chain, *named] if chain else list(heads)
    for id in chain:
        if id not in heads:
            faults.append(
                Fault(rule="reference", detail=f"no pack {id!r} in the folders", pack=id, hint=nearest(id, heads))
            )
    while waiting:
        id = waiting.pop(0)
        if id in wanted or id not in heads:
            continue
        wanted.append(id)
        folder, one = heads[id]
        for above in one.extends:
            if above not in heads:
                faults.append(_of_pack(folder, id, "reference", f"extends {above!r}, which is not there", "extends", nearest(above, heads)))  # fmt: skip
        waiting += one.extends
    return wanted


def _ordered(heads: Found, chain: Sequence[str], faults: list[Fault]) -> list[str]:
    """Upper packs before those that extend them; else by level, then as the chain says, then by id."""
    place = {id: at for at, id in enumerate(chain)}
    above = {id: {one for one in head.extends if one in heads} for id, (_, head) in heads.items()}
    ordered: list[str] = []
    left = sorted(heads, key=lambda id: (RANK[heads[id][1].level], place.get(id, len(place)), id))
    while left:
        ready = next((id for id in left if above[id] <= set(ordered)), None)
        if ready is None:
            faults.append(
                Fault(
                    rule="reference", detail=f"the packs {', '.join(left)} extend each other in a circle", key="extends"
                )
            )
            break
        ordered.append(ready)
        left.remove(ready)
    return ordered
