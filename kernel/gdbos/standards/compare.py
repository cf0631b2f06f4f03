"""Two packs compared: where they lie, two versions of one or two levels, without a node; and two editions that a node keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from gdbos.errors import Conflict, NotFound
from gdbos.unit import Run, Unit

from .difference import Difference, differences
from .edition import Edition, Standing, get, parcel, standing
from .fault import Fault, PackRefused
from .load import Kinds, load
from .pack import head, packs_in
from .parcel import Files, unzipped
from .registry import Standards
from .shelf import Shelf, laid_out

if TYPE_CHECKING:
    from gdbos.kernel import Kernel


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How an edition differs from another version of its pack."""

    edition: Edition
    against: Edition | None
    """None: the pack as it ships."""
    on: date
    differences: list[Difference]
    """In words; what the levels above say is the same on both sides."""


class _Kept(msgspec.Struct, frozen=True):
    edition: Edition
    files: Files
    against: Edition | None
    other: Files | None
    rows: list[Standing]


async def compare(kernel: Kernel, run: Run, id: UUID, against: UUID | None, on: date | None) -> Compared:
    """How the edition ``id`` differs from the edition ``against``, or from the pack as it ships, on a day.

    :raises NotFound: there is no such edition, or the pack does not ship.
    :raises Conflict: they are of two packs, or one of them does not stand under the packs above as they are on that day.
    """
    kept = await run.read(_kept, id, against)
    day = on or kernel.units.around.today()
    found = await asyncio.to_thread(_differences, kernel.shelf, kept, day)
    return Compared(edition=kept.edition, against=kept.against, on=day, differences=found)


def _kept(unit: Unit, id: UUID, against: UUID | None) -> _Kept:
    edition, other = get(unit, id), get(unit, against) if against else None
    if other is not None and other.pack != edition.pack:
        raise Conflict(
            "The editions are of two packs, {pack} and {other}; compare two versions of one.",
            pack=edition.pack,
            other=other.pack,
        )
    files = {one.id: unzipped(parcel(unit.connection, one.id)) for one in (edition, other) if one}
    return _Kept(edition, files[edition.id], other, files[other.id] if other else None, standing(unit.connection))


def _differences(shelf: Shelf, kept: _Kept, on: date) -> list[Difference]:
    pack = kept.edition.pack
    spoken = shelf.with_changes([row for row in kept.rows if row.pack != pack])
    folders = [one.folder for editions in spoken.values() for one in editions if one.days.covers(on)]
    folders += shelf.folders
    with laid_out(kept.files, pack) as new, _lying(kept, folders) as old:
        try:
            return compared(old, new, shelf.kinds, folders, on)
        except PackRefused as refused:
            raise Conflict(
                "A version does not stand under the packs above as they are on {day}: {first}",
                day=on,
                first=str(refused.faults[0]),
            ) from None


@contextmanager
def _lying(kept: _Kept, folders: Sequence[Path]) -> Iterator[Path]:
    """The folder of the version that the edition is compared with."""
    pack = kept.edition.pack
    if kept.other is not None:
        with laid_out(kept.other, pack) as folder:
            yield folder
        return
    found = next(_places(pack, folders), None)
    if found is None:
        raise NotFound("The pack {pack} does not ship with this node; compare with an edition of it.", pack=pack)
    yield found


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
    found = next(_places(id, folders), None)
    if found is None:
        raise NotFound("No pack {id} lies in {folders}.", id=id, folders=", ".join(map(str, folders)))
    return found


def _places(id: str, folders: Sequence[Path]) -> Iterator[Path]:
    for folder, _ in packs_in(tuple(folders)):
        said = head(folder, [])
        if said is not None and said.id == id:
            yield folder
