"""Whatever is done to a published log is found, and its place is named."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from gdbos.crypto import STANDARD
from gdbos.ledger.leaf import AUDIT, append, bundle, unbundle
from gdbos.ledger.merkle import Frontier, leaf_hash
from gdbos.ledger.note import COSIGNATURE, Checkpoint, Note, Signer
from gdbos.ledger.policy import Policy
from gdbos.ledger.publication import falls_short, publish, published
from gdbos.ledger.report import INCOMPLETE, SOUND, TAMPERED, Report
from gdbos.ledger.sequencer import Diverged, sequence
from gdbos.ledger.tables import checkpoint, leaf
from gdbos.ledger.tiles import ENTRIES, parse_path, tile_path
from gdbos.ledger.verify import verify

from .conftest import NOW, PROVE, Log, record

SIZE = 500 if PROVE else 100
EARLIER = SIZE * 3 // 5


@pytest.fixture
def whole(log: Log) -> Log:
    """SIZE records, published twice on the way."""
    return log.grow(EARLIER).grow(SIZE - EARLIER)


def short(number: int) -> bytes:
    """A log does not care what its records say; short ones leave fewer bytes to flip."""
    return b'{"v":1,"n":%d}' % number


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def bundles(log: Log) -> Iterator[tuple[Path, int, list[bytes]]]:
    """Path, first position and records of each bundle the newest checkpoint needs."""
    for first in range(0, SIZE, 256):
        width = min(256, SIZE - first)
        path = log.folder / tile_path(ENTRIES, first >> 8, width)
        yield path, first, unbundle(path.read_bytes())


def names(report: Report, position: int) -> bool:
    spans = [(fault.first, fault.last) for fault in report.faults]
    return any(first is not None and last is not None and first <= position <= last for first, last in spans)


def test_an_untouched_log_is_sound(whole: Log):
    seen: list[tuple[int, int]] = []
    report = verify(whole.folder, progress=lambda done, total: seen.append((done, total)))
    assert (report.code, report.size, report.checkpoints, report.faults) == (SOUND, SIZE, 2, [])
    assert report.origin == whole.signer.name
    assert seen[-1] == (SIZE, SIZE)


@pytest.mark.parametrize("sizes", [[1], [255, 1], [256], [257], [1, 254, 1, 1, 255, 1], [600, 1], [513, 255]])
def test_logs_of_every_awkward_size_are_sound(log: Log, sizes: list[int]):
    for count in sizes:
        log.grow(count)
    report = verify(log.folder, log.signer.verifier.vkey)
    assert (report.code, report.size, report.faults) == (SOUND, sum(sizes), [])
    assert report.checkpoints == len(sizes)


def test_partial_tiles_stay_while_a_checkpoint_may_need_them(log: Log):
    log.grow(10).grow(10)
    assert (log.folder / "tile/entries/000.p/10").is_file()
    assert (log.folder / "tile/0/000.p/20").is_file()
    log.grow(300)
    assert not (log.folder / "tile/entries/000.p").exists()
    assert (log.folder / "tile/entries/000").is_file()


@pytest.mark.timeout(3_000 if PROVE else 300)
def test_every_flipped_byte_is_found_and_flipped_records_are_named(log: Log):
    whole = log.grow(SIZE, short)
    dice, missed, unnamed, flips = random.Random(1), [], [], 0
    owner = {}
    for path, first, records in bundles(whole):
        at = 0
        for number, content in enumerate(records, first):
            owner |= {(path, byte): number for byte in range(at, at + 2 + len(content))}
            at += 2 + len(content)
    for path in files(whole.folder):
        original = path.read_bytes()
        for at in range(len(original)):
            with path.open("r+b") as file:
                file.seek(at)
                file.write(bytes([original[at] ^ 1 << dice.randrange(8)]))
            report = verify(whole.folder)
            flips += 1
            if report.code == SOUND:
                missed.append((path, at))
            if (path, at) in owner and not names(report, owner[path, at]):
                unnamed.append((path, at, report.faults))
            with path.open("r+b") as file:
                file.seek(at)
                file.write(original[at : at + 1])
    assert (missed, unnamed) == ([], [])
    assert flips > SIZE * 48
    assert verify(whole.folder).code == SOUND


def test_every_flipped_byte_of_what_older_checkpoints_need_is_found(log: Log):
    log.grow(9, short).grow(3, short)
    for path in files(log.folder):
        original = path.read_bytes()
        for at in range(len(original)):
            path.write_bytes(bytes([*original[:at], original[at] ^ 0x10, *original[at + 1 :]]))
            assert verify(log.folder).code == TAMPERED, (path, at)
        path.write_bytes(original)


def test_every_deleted_record_is_named(whole: Log):
    for path, first, records in bundles(whole):
        original = path.read_bytes()
        for at in range(len(records)):
            path.write_bytes(bundle(records[:at] + records[at + 1 :]))
            report = verify(whole.folder)
            assert report.code == TAMPERED
            assert f"record {first + at} is missing" in str(report.faults[0])
        path.write_bytes(original)


def test_every_exchange_of_neighbours_is_named(whole: Log):
    for path, first, records in bundles(whole):
        original = path.read_bytes()
        for at in range(len(records) - 1):
            path.write_bytes(bundle([*records[:at], records[at + 1], records[at], *records[at + 2 :]]))
            report = verify(whole.folder)
            assert report.code == TAMPERED
            assert [fault.first for fault in report.faults] == [first + at, first + at + 1]
            assert "reordered" in report.faults[0].detail
        path.write_bytes(original)


def test_added_and_copied_records_are_named(whole: Log):
    path, first, records = next(bundles(whole))
    path.write_bytes(bundle([*records[:7], record(0), *records[7:]]))
    assert "put in before record 7" in str(verify(whole.folder).faults[0])
    path.write_bytes(bundle([*records[:7], records[3], *records[8:]]))
    assert "record 3 stands in the place of record 7" in str(verify(whole.folder).faults[0])
    assert first == 0


def test_every_truncated_bundle_is_found(whole: Log):
    for path, first, records in bundles(whole):
        original = path.read_bytes()
        for kept in range(len(records)):
            path.write_bytes(bundle(records[:kept]))
            report = verify(whole.folder)
            assert report.code == TAMPERED
            assert names(report, first + kept)
            assert names(report, first + len(records) - 1)
        path.write_bytes(original)


def test_every_missing_file_is_found(whole: Log):
    for path in files(whole.folder):
        place = path.relative_to(whole.folder).as_posix()
        parsed = parse_path(place)
        spare = place == f"checkpoints/{EARLIER}" or (parsed is not None and verify_needs_not(place))
        content = path.read_bytes()
        path.unlink()
        report = verify(whole.folder)
        path.write_bytes(content)
        if not spare:
            assert report.code == INCOMPLETE, place
            assert any(fault.place == place for fault in report.faults), place


def verify_needs_not(place: str) -> bool:
    """Earlier partial tiles are there for older checkpoints only."""
    return place.endswith(f".p/{EARLIER % 256}") and EARLIER % 256 != SIZE % 256


def test_a_log_cut_back_to_an_older_checkpoint_is_found(whole: Log):
    older = whole.folder / "checkpoints" / str(EARLIER)
    shutil.copy(older, whole.folder / "checkpoint")
    report = verify(whole.folder)
    assert report.code == TAMPERED
    assert "truncated: ends at" in str(report.faults[0])
    assert names(report, SIZE - 1)
    (whole.folder / "checkpoints" / str(SIZE)).unlink()
    assert verify(whole.folder).code != SOUND, "the tiles go on"
    remembered = [Note.parse(whole_note(whole))]
    for path in files(whole.folder / "tile"):
        if f".p/{SIZE % 256}" in path.as_posix():
            path.unlink()
    assert verify(whole.folder, remembered=remembered).code == TAMPERED


def whole_note(log: Log) -> str:
    with log.engine.connect() as connection:
        row = connection.execute(checkpoint.select().order_by(checkpoint.c.size.desc())).first()
        assert row is not None
        return str(row.note)


def test_a_past_rewritten_with_the_logs_own_key_is_found(whole: Log, make_log: Callable[[Signer], Log]):
    forged = make_log(whole.signer).grow(SIZE)
    shutil.copytree(whole.folder / "checkpoints", forged.folder / "checkpoints", dirs_exist_ok=True)
    report = verify(forged.folder, whole.signer.verifier.vkey)
    assert report.code == TAMPERED
    assert any("fork" in fault.detail for fault in report.faults)


def test_a_past_rewritten_and_replayed_is_found_by_an_older_checkpoint(whole: Log, make_log: Callable[[Signer], Log]):
    """The operator rewrites one record and everything after it, and leaves no trace in the folder itself."""
    forged = make_log(whole.signer)
    records = list(whole.records)
    records[EARLIER // 2] = record(0)
    with forged.engine.begin() as connection:
        append(connection, AUDIT, records, at=NOW)
        sequence(connection, AUDIT, forged.signer, now=NOW)
        publish(connection, forged.home, Policy((forged.signer.verifier,)))
    assert verify(forged.folder).code == SOUND, "alone it is a perfect log"
    kept = Note.parse((whole.folder / "checkpoints" / str(EARLIER)).read_bytes())
    report = verify(forged.folder, remembered=[kept])
    assert report.code == TAMPERED
    assert any("remembered checkpoint 1" in fault.place and "fork" in fault.detail for fault in report.faults)


def test_two_checkpoints_of_one_size_are_a_fork(whole: Log):
    other = Checkpoint(whole.signer.name, SIZE, STANDARD.digest(b"other")).signed(whole.signer)
    (whole.folder / "checkpoint").write_text(str(other))
    report = verify(whole.folder)
    assert report.code == TAMPERED
    assert any(f"two histories of {SIZE}" in fault.detail for fault in report.faults)


def test_records_and_hashes_changed_together_are_placed_between_checkpoints(whole: Log):
    """All files rewritten, but the key is not at hand: the signed roots say from where on nothing fits."""
    changed = EARLIER + 5
    hashes: list[bytes] = []
    for path, first, records in list(bundles(whole)):
        if first <= changed < first + len(records):
            records[changed - first] = record(0)
            path.write_bytes(bundle(records))
        hashes += map(leaf_hash, records)
        (whole.folder / tile_path(0, first >> 8, len(records))).write_bytes(
            b"".join(hashes[first : first + len(records)])
        )
    for path in whole.folder.glob(f"tile/[0e]*/*.p/{EARLIER % 256}"):
        path.unlink()
    frontier = Frontier()
    for level, index, hashed in frontier.extend(hashes):
        upper = next((whole.folder / "tile" / str(level)).glob("000.p/*"))
        content = bytearray(upper.read_bytes())
        content[index * 32 : index * 32 + 32] = hashed
        upper.write_bytes(bytes(content))
    report = verify(whole.folder)
    assert report.code == TAMPERED
    assert [(fault.first, fault.last) for fault in report.faults] == [(EARLIER, SIZE - 1)]


def test_a_tile_changed_instead_of_a_record_is_told_apart(whole: Log):
    path = whole.folder / tile_path(0, 0, min(256, SIZE))
    content = bytearray(path.read_bytes())
    content[32 * 9] ^= 1
    path.write_bytes(bytes(content))
    faults = verify(whole.folder).faults
    assert [(fault.place, fault.first) for fault in faults][:1] == [(tile_path(0, 0, min(256, SIZE)), 9)]


def test_upper_tiles_are_checked(log: Log):
    log.grow(600)
    path = log.folder / "tile/1/000.p/2"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(bytes(content))
    (fault,) = verify(log.folder).faults
    assert (fault.place, fault.first, fault.last) == ("tile/1/000.p/2", 256, 511)


def test_strange_files_are_named(whole: Log):
    (whole.folder / "tile/entries/notes.txt").write_text("hello")
    (whole.folder / "tile/0/.draft-x").write_text("a crash left this")
    (fault,) = verify(whole.folder).faults
    assert fault.place == "tile/entries/notes.txt"


def test_another_logs_checkpoint_does_not_pass(whole: Log, make_log: Callable[[Signer], Log]):
    other = make_log(Signer("gdbos.450200/audit/1", STANDARD.new_private())).grow(3)
    policy = Policy((whole.signer.verifier, other.signer.verifier))
    shutil.copy(other.folder / "checkpoint", whole.folder / "checkpoints" / "3")
    report = verify(whole.folder, policy)
    assert report.code == TAMPERED
    assert "is of the log gdbos.450200" in str(report.faults)


def test_a_log_under_another_key_is_not_trusted(whole: Log):
    report = verify(whole.folder, Signer(whole.signer.name, STANDARD.new_private()).verifier.vkey)
    assert report.code == TAMPERED
    assert report.size == 0


def test_nothing_to_check_is_incomplete(tmp_path: Path):
    assert verify(tmp_path).code == INCOMPLETE
    assert verify(tmp_path, Policy(())).code == INCOMPLETE


def test_witnesses_are_named(whole: Log):
    watcher = Signer("w", STANDARD.new_private(), COSIGNATURE)
    note = Note.parse((whole.folder / "checkpoint").read_bytes())
    policy = Policy((whole.signer.verifier,), {"province": watcher.verifier}, {}, "province")
    report = verify(whole.folder, policy)
    assert (report.code, report.witnesses) == (INCOMPLETE, [])
    assert [fault.place for fault in report.faults] == ["cosigned"]
    (whole.folder / "cosigned").write_text(str(note.signed_also(watcher.cosign(note.text, 1))))
    report = verify(whole.folder, policy)
    assert (report.code, report.witnesses) == (SOUND, ["province"])


def test_a_past_rewritten_behind_a_cosigned_checkpoint_is_a_fork(whole: Log):
    """With the log key in hand every file can be made to agree but the one that somebody else signed."""
    watcher = Signer("w", STANDARD.new_private(), COSIGNATURE)
    policy = Policy((whole.signer.verifier,), {"province": watcher.verifier}, {}, "province")
    elsewhere = Checkpoint(whole.signer.name, EARLIER, leaf_hash(b"what was there before")).signed(whole.signer)
    (whole.folder / "cosigned").write_text(str(elsewhere.signed_also(watcher.cosign(elsewhere.text, 1))))
    report = verify(whole.folder, policy)
    assert report.code == TAMPERED
    assert "cosigned" in report.faults[0].place


def test_a_restored_database_that_is_shorter_is_not_published_over(whole: Log):
    with whole.engine.begin() as connection:
        connection.execute(delete(leaf).where(leaf.c.position >= EARLIER))
        connection.execute(delete(checkpoint).where(checkpoint.c.size > EARLIER))
    with whole.engine.connect() as connection:
        assert falls_short(connection, whole.home, AUDIT)
        with pytest.raises(Diverged, match="restore the rest"):
            publish(connection, whole.home)
    assert published(whole.folder) == Checkpoint.parse(
        Note.parse(whole.folder.joinpath("checkpoint").read_bytes()).text
    )


def test_a_database_with_another_past_is_not_published_over(whole: Log):
    with whole.engine.begin() as connection:
        connection.execute(update(leaf).where(leaf.c.position == EARLIER - 1).values(hash=leaf_hash(b"other")))
        append(connection, AUDIT, [record(1)], at=NOW)
        sequence(connection, AUDIT, whole.signer, now=NOW)
    with whole.engine.connect() as connection, pytest.raises(Diverged, match="no longer begins"):
        publish(connection, whole.home)


def test_publishing_goes_on_after_a_crash_between_files(whole: Log, monkeypatch: pytest.MonkeyPatch):
    written = 0

    def crash(*_: object) -> None:
        nonlocal written
        written += 1
        if written > 2:
            raise OSError("no power")

    with whole.engine.begin() as connection:
        append(connection, AUDIT, [record(1)], at=NOW)
        sequence(connection, AUDIT, whole.signer, now=NOW)
    monkeypatch.setattr(os, "fsync", crash)
    with whole.engine.connect() as connection, pytest.raises(OSError, match="no power"):
        publish(connection, whole.home)
    monkeypatch.undo()
    assert verify(whole.folder).code in (SOUND, INCOMPLETE)
    with whole.engine.connect() as connection:
        assert publish(connection, whole.home) == {AUDIT: SIZE + 1}
    assert verify(whole.folder).code == SOUND


def test_a_running_nodes_log_is_sound_at_every_moment(log: Log):
    log.grow(1)
    done = threading.Event()

    def grow() -> None:
        dice = random.Random(4)
        while not done.is_set():
            log.grow(dice.randint(1, 90))

    with ThreadPoolExecutor(1) as threads:
        growing = threads.submit(grow)
        reports = [verify(log.folder) for _ in range(60)]
        done.set()
        growing.result()
    assert [report.faults for report in reports if report.faults] == []
    assert reports[-1].size > reports[0].size


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")],
)
def test_tile_paths_are_those_of_the_specification(index: int, path: str):
    assert tile_path(0, index) == f"tile/0/{path}"
    assert tile_path(ENTRIES, index, 12) == f"tile/entries/{path}.p/12"
    assert parse_path(f"tile/3/{path}.p/255") == (3, index, 255)


@pytest.mark.parametrize(
    "path", ["tile/0/0", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/00/000", "tile/0/000.p"]
)
def test_other_paths_are_not_tiles(path: str):
    assert parse_path(path) is None
