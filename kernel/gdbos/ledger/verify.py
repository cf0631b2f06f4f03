"""Check a published log from its files alone: every edit, deletion, reordering, truncation and fork, and where it is.

Records are hashed and the tree is grown twice at most: from the entry bundles and, where a hash tile says otherwise, from the
tiles. Which of the two grew into the signed roots tells which file was touched. Every checkpoint that was ever published is
held against the tree at its size, so a rewritten past, a shortened log and a second history signed with the log's own key show too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from gdbos.ledger.difference import NAMED, broken, changed
from gdbos.ledger.leaf import bundle, unbundle
from gdbos.ledger.merkle import HASH_SIZE, TILE_HEIGHT, Frontier, leaf_hash
from gdbos.ledger.note import Malformed, Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.publication import CHECKPOINT, CHECKPOINTS, POLICY, published
from gdbos.ledger.report import SOUND, Report
from gdbos.ledger.signed import Signed, settles
from gdbos.ledger.tiles import ENTRIES, WIDTH, Level, parse_path, tile_path, widths
from gdbos.storage.durable import DRAFT

Progress = Callable[[int, int], None]
"""Records checked so far, records in all."""


def verify(
    folder: Path,
    trust: Policy | str | Path | None = None,
    *,
    progress: Progress | None = None,
    remembered: Sequence[Note] = (),
) -> Report:
    """Check the log in ``folder`` against ``trust`` (a policy, a vkey, a policy file; by default the folder's own policy).

    ``remembered`` are checkpoints of this log kept elsewhere (a witness's, an auditor's): they must be part of its history.
    """
    report = Report(log=folder.name)
    policy = _trust(folder, trust, report)
    if policy is None:
        return report
    signed = Signed(report, policy)
    signed.gather(folder, remembered)
    if signed.roots:
        check = _Check(folder, report, signed, progress or (lambda done, total: None))
        check.run()
        if check.beyond and not (
            report.code == SOUND and settles(lambda: _size_now(folder) >= max(check.beyond.values()))
        ):
            for place in check.beyond:
                report.incomplete(place, "goes beyond the newest checkpoint: publication was cut short, or the log was")
    return report


def log_folders(path: Path) -> list[Path]:
    """The logs at ``path``: itself, those in it, or those in its ``ledger`` folder."""
    for group in ([path], _children(path), _children(path / "ledger")):
        found = [
            folder for folder in group if any((folder / name).exists() for name in (CHECKPOINT, CHECKPOINTS, "tile"))
        ]
        if found:
            return found
    return []


def _size_now(folder: Path) -> int:
    """The size a running node has published meanwhile."""
    try:
        now = published(folder)
    except Malformed:
        return 0
    return now.size if now else 0


def _children(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []


def _trust(folder: Path, trust: Policy | str | Path | None, report: Report) -> Policy | None:
    if isinstance(trust, Policy):
        report.trust = "given"
        return trust
    report.trust = "the log's own folder" if trust is None else "given"
    place = POLICY if trust is None else "the policy given"
    try:
        return Policy.load(folder / POLICY if trust is None else trust)
    except FileNotFoundError:
        report.incomplete(place, "there is no policy or key to check signatures with; give one with --policy")
    except Malformed as fault:
        report.tampered(place, f"not a policy: {fault}")
    return None


class _View:
    """A tree grown from one source, and the signed sizes at which its root was or was not the signed one."""

    def __init__(self, signed: dict[int, dict[bytes, str]]) -> None:
        self.frontier, self.nodes = Frontier(), dict[int, list[bytes]]()
        self.signed, self.marks = signed, sorted(signed, reverse=True)
        self.good, self.bad = list[int](), list[int]()
        self._compare()

    def copy(self) -> _View:
        twin = _View(self.signed)
        twin.frontier = Frontier(self.frontier.size, self.frontier.edge)
        twin.nodes = {level: list(hashes) for level, hashes in self.nodes.items()}
        twin.marks, twin.good, twin.bad = list(self.marks), list(self.good), list(self.bad)
        return twin

    def grow(self, hashes: Sequence[bytes]) -> None:
        at = 0
        while at < len(hashes):
            mark = self.marks[-1] - self.frontier.size if self.marks else len(hashes)
            step = hashes[at : at + mark]
            at += len(step)
            for level, _, hashed in self.frontier.extend(step):
                self.nodes.setdefault(level, []).append(hashed)
            self._compare()

    def _compare(self) -> None:
        while self.marks and self.marks[-1] == self.frontier.size:
            size = self.marks.pop()
            (self.good if self.frontier.root() in self.signed[size] else self.bad).append(size)

    @property
    def sound(self) -> bool:
        """Whether the newest signed root came out."""
        return not self.marks and (not self.bad or bool(self.good and self.good[-1] > self.bad[-1]))


class _Check:
    """The walk through one log's files."""

    def __init__(self, folder: Path, report: Report, signed: Signed, progress: Progress) -> None:
        self.folder, self.report, self.progress = folder, report, progress
        self.signed = signed.roots
        self.records = self.tiles = _View(self.signed)
        self.grown = True
        self.differing: list[tuple[int, list[bytes], list[bytes]]] = []
        self.grew: dict[int, list[bytes]] = {}
        """Hashes of the records in tiles that were published before they were full, by tile."""
        self.beyond: dict[str, int] = {}
        """Files of a larger log than the newest checkpoint speaks of, with the size they need."""

    def run(self) -> None:
        size = self.report.size
        for index, width in widths(size, 0):
            self._bundle(index, width)
            self.progress(min(size, (index + 1) * WIDTH), size)
        view = self.tiles if self.tiles.sound else self.records
        for index, records, hashes in self.differing:
            self._differ(index, records, hashes)
        self._roots(view)
        self._upper_tiles(view)
        self._other_files(view)
        self.report.checkpoints = len(view.good)

    def _bundle(self, index: int, width: int) -> None:
        first, hashes = index * WIDTH, self._tile(0, index, width)
        records, whole = self._entries(index, width)
        if records is not None and (not whole or len(records) != width):
            broken(self.report, tile_path(ENTRIES, index, width), first, width, records, hashes)
            records = None
        if records is None or hashes is None:
            records = hashes = records or hashes
        if records is None or hashes is None:
            self.grown = False
        elif records != hashes:
            self.differing.append((index, records, hashes))
            if self.records is self.tiles:
                self.tiles = self.records.copy()
        if hashes is not None and any(
            (self.folder / f"{tile_path(level, index)}.p").is_dir() for level in (0, ENTRIES)
        ):
            self.grew[index] = hashes
        if self.grown and records is not None and hashes is not None:
            self.records.grow(records)
            if self.tiles is not self.records:
                self.tiles.grow(hashes)

    def _tile(self, level: int, index: int, width: int) -> list[bytes] | None:
        place = tile_path(level, index, width)
        content = self._read(place, index, width if level == 0 else None)
        if content is None:
            return None
        if len(content) != width * HASH_SIZE:
            self.report.tampered(place, f"has {len(content)} bytes instead of {width * HASH_SIZE}")
            return None
        return [content[at : at + HASH_SIZE] for at in range(0, len(content), HASH_SIZE)]

    def _entries(self, index: int, width: int) -> tuple[list[bytes] | None, bool]:
        """Hashes of the records that can be read, and whether the bundle could be read to its end."""
        content = self._read(tile_path(ENTRIES, index, width), index, width)
        if content is None:
            return None, True
        try:
            return [leaf_hash(record) for record in unbundle(content)], True
        except ValueError as broken:
            return [leaf_hash(record) for record in broken.args[1]], False

    def _read(self, place: str, index: int, width: int | None) -> bytes | None:
        try:
            return (self.folder / place).read_bytes()
        except FileNotFoundError:
            full = place.partition(".p/")[0]  # a full tile may have replaced the partial one
            if full != place and (self.folder / full).is_file():
                return _start(self.folder / full, int(place.partition(".p/")[2]))
        span = (index * WIDTH, index * WIDTH + width - 1) if width else (None, None)
        self.report.incomplete(place, "missing", *span)
        return None

    def _differ(self, index: int, records: list[bytes], hashes: list[bytes]) -> None:
        width, first = len(hashes), index * WIDTH
        places = [at for at in range(width) if records[at] != hashes[at]]
        if self.records.sound and not self.tiles.sound:
            named = ", ".join(str(first + at) for at in places[:NAMED])
            place = tile_path(0, index, width)
            self.report.tampered(
                place, f"the hashes of records {named} were changed", first + places[0], first + places[-1]
            )
            return
        changed(self.report, tile_path(ENTRIES, index, width), first, places, records, hashes)

    def _roots(self, view: _View) -> None:
        newest_good = max(view.good, default=0)
        for size in view.bad:
            place = " and ".join(sorted(self.signed[size].values()))
            if size < newest_good:
                self.report.tampered(place, f"fork: signed over another history of {size} records", 0, size - 1)
        later = [size for size in view.bad if size > newest_good]
        if later and not self._explained(newest_good, later[0]):
            place = " and ".join(sorted(self.signed[later[0]].values()))
            detail = f"records {newest_good} to {later[0] - 1} are not those that were signed"
            self.report.tampered(place, detail, newest_good, later[0] - 1)

    def _explained(self, start: int, end: int) -> bool:
        """Whether a fault named already lies in these records."""
        spans = [(f.first, f.last) for f in self.report.faults if f.kind == "tampered" and "fork" not in f.detail]
        return any(first is not None and last is not None and first < end and last >= start for first, last in spans)

    def _upper_tiles(self, view: _View) -> None:
        level = 1
        while self.grown and self.report.size >> TILE_HEIGHT * level:
            computed = view.nodes.get(level, [])
            for index, width in widths(self.report.size, level):
                hashes = self._tile(level, index, width)
                expected = computed[index * WIDTH : index * WIDTH + width]
                if hashes is not None and hashes != expected:
                    span = WIDTH**level
                    at = index * WIDTH + next(at for at in range(width) if hashes[at] != expected[at])
                    detail = f"the hash over records {at * span} to {(at + 1) * span - 1} was changed"
                    self.report.tampered(tile_path(level, index, width), detail, at * span, (at + 1) * span - 1)
            level += 1

    def _other_files(self, view: _View) -> None:
        """Files that the newest checkpoint does not need: earlier partial tiles must agree, nothing else belongs here."""
        for place in self._tile_files():
            parsed = parse_path(place)
            if parsed is None:
                self.report.tampered(place, "no file of this name belongs to a log")
                continue
            level, index, width = parsed
            end, scale = index * WIDTH + width, TILE_HEIGHT * _height(level)
            have = min(WIDTH, (self.report.size >> scale) - index * WIDTH)
            if width > have:
                self.beyond[place] = end << scale
            elif width < have:
                self._earlier(place, view, *parsed)

    def _tile_files(self) -> list[str]:
        found = []
        for parent, _, names in os.walk(self.folder / "tile"):
            folder = Path(parent).relative_to(self.folder).as_posix()
            found += [f"{folder}/{name}" for name in names if not name.startswith(DRAFT)]
        return sorted(found)

    def _earlier(self, place: str, view: _View, level: Level, index: int, width: int) -> None:
        """A tile as it was when it was narrower: the beginning of what it is now."""
        now = view.nodes.get(_height(level), [])[index * WIDTH :] if _height(level) else self.grew.get(index, [])
        try:
            content = (self.folder / place).read_bytes()
        except FileNotFoundError:
            return  # a running node has replaced it by the full tile
        if len(now) < width:
            return  # the tile itself is missing, which has been said
        if level == ENTRIES:
            try:
                then = b"".join(leaf_hash(record) for record in unbundle(content))
            except ValueError:
                then = b""
        else:
            then = content
        if then != b"".join(now[:width]):
            self.report.tampered(place, "is not how the tile begins that it grew into")


def _height(level: Level) -> int:
    """The level of hash tiles that lies beside ``level``."""
    return 0 if level == ENTRIES else int(level)


def _start(path: Path, width: int) -> bytes:
    """The first ``width`` entries or hashes of the tile at ``path``; all of it where it cannot be read."""
    content = path.read_bytes()
    if f"/{ENTRIES}/" not in path.as_posix():
        return content[: width * HASH_SIZE]
    try:
        return bundle(unbundle(content)[:width])
    except ValueError:
        return content
