"""Two packs compared where they lie: two versions of one, or two levels; no node is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from gdbos.errors import NotFound

from .difference import Difference, differences
from .fault import Fault, PackRefused
from .load import Kinds, load
from .pack import head, packs_in
from .registry import Standards


def compared(old: Path, new: Path, kinds: Kinds, folders: Sequence[Path], on: date) -> list[Difference]:
    """How what stands under the pack in ``new`` differs from what stands under the pack in ``old``.

    Packs that they extend are looked for beside them, then in ``folders``.

    :raises PackRefused: one of them is faulty. :raises NotFound: a pack that one extends lies nowhere.
    """
    return differences(under(old, kinds, folders), under(new, kinds, folders), on)


def under(folder: Path, kinds: Kinds, folders: Sequence[Path]) -> Standards:
    """The standards of the pack in ``folder`` and of those it extends, and of no other."""
    found: dict[str, Path] = {}
    waiting = [folder]
    while waiting:
        faults: list[Fault] = []
        lying = waiting.pop()
        said = head(lying, faults)
        if said is None:
            raise PackRefused(faults)
        found.setdefault(said.id, lying)
        waiting += [place(id, [folder.parent, *folders]) for id in said.extends if id not in found]
    return load(list(found.values()), kinds, ())


def place(id: str, folders: Sequence[Path]) -> Path:
    """The folder of the pack ``id``. :raises NotFound: it lies in none of ``folders``."""
    found = next(_lying(id, folders), None)
    if found is None:
        raise NotFound("No pack {id} lies in {folders}.", id=id, folders=", ".join(map(str, folders)))
    return found


def _lying(id: str, folders: Sequence[Path]) -> Iterator[Path]:
    for folder, _ in packs_in(tuple(folders)):
        said = head(folder, [])
        if said is not None and said.id == id:
            yield folder
