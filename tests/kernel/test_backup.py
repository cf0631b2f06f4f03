"""A node is brought back whole from its backup and its keys, or not at all."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from PIL import Image
from sqlalchemy import insert, inspect, text

from gdbos.actor import Actor, Link
from gdbos.archive import MANIFEST, PARTS, Damaged
from gdbos.backup import backup, published_at_once
from gdbos.errors import BadRequest, Conflict, Misconfigured
from gdbos.files.file import FileRef, NewFile, keep
from gdbos.ids import new_id
from gdbos.kernel import Kernel
from gdbos.ledger.publication import CHECKPOINT
from gdbos.ledger.tables import erased
from gdbos.ledger.verify import log_folders, verify
from gdbos.restore import restore
from gdbos.storage.engine import engine_for
from gdbos.unit import Unit

NewNode = Callable[..., Kernel]
ANNA = Actor(kind="person", id="anna", subject="person:anna", chain=(Link("person", "anna"),))
NODE = Actor(kind="plugin", id="test", reach="node", chain=(Link("plugin", "test"),))


def picture(width: int = 40) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, 30)).save(out, "PNG")
    return out.getvalue()


def hand_in(unit: Unit, width: int) -> FileRef:
    new = NewFile(name=f"虚构 {width}.png", media_type="image/png", subject="person:anna")
    return keep(unit, new, picture(width))


async def lived(kernel: Kernel, files: int = 3) -> list[UUID]:
    """Some files handed in and let out of quarantine, one call about a person, everything sequenced and published."""
    kept = []
    for width in range(40, 40 + files):
        new = await kernel.units.write(ANNA, hand_in, width)
        await kernel.scanning.decide(new, picture(width))
        await kernel.bus_for(ANNA, "kernel").call("kernel.files.file", {"file_id": str(new.id)})
        kept.append(new.id)
    await kernel.book.catch_up()
    return kept


def live(kernel: Kernel, files: int = 3) -> list[UUID]:
    async def whole() -> list[UUID]:
        async with kernel.running(background=False):
            await kernel.refresh()
            return await lived(kernel, files)

    return asyncio.run(whole())


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("backups", "safe"):
        (tmp_path / name).mkdir()
    return tmp_path / "backups" / "node.tar", tmp_path / "safe" / "node.keys"


def test_a_restored_node_has_everything_and_goes_on(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    kept = live(old)
    made = backup(old, target, keys)
    assert set(made.ledger) == {"calls", "audit"}
    assert made.ledger["calls"] == 3
    shutil.rmtree(old.settings.home)

    new = new_node("new", migrated=False)
    restored = restore(new, target, keys)
    assert (restored.files, restored.files_missing, restored.ledger) == (3, 0, made.ledger)

    async def look() -> None:
        async with new.running(background=False):
            await new.refresh()
            for n, file_id in enumerate(kept):
                reply = await new.bus_for(ANNA, "kernel").call("kernel.files.file", {"file_id": str(file_id)})
                assert reply.value["name"] == f"虚构 {40 + n}.png"
            await lived(new, 1)

    asyncio.run(look())
    for log in log_folders(new.settings.home):
        assert verify(log).code == 0
    assert verify(new.settings.home / "ledger" / "calls").size == 3 + 3 + 1


def test_a_backup_taken_while_the_node_works_fits_together(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places

    async def work() -> None:
        async with old.running():
            await lived(old, 2)
            done = asyncio.Event()

            async def go_on() -> None:
                width = 100
                while not done.is_set():
                    width += 1
                    await old.units.write(ANNA, hand_in, width)

            working = asyncio.create_task(go_on())
            await asyncio.sleep(0.3)
            await asyncio.to_thread(backup, old, target, keys)
            done.set()
            await working

    asyncio.run(work())
    new = new_node("new", migrated=False)
    restored = restore(new, target, keys)
    assert restored.files_missing == 0
    assert restored.files > 2


def test_rows_come_back_byte_for_byte(new_node: NewNode, places: tuple[Path, Path]):
    def rows(kernel: Kernel) -> dict[str, list[Any]]:
        engine = engine_for(kernel.settings.database_url(), writable=False)
        with engine.connect() as connection:
            names = sorted(inspect(connection).get_table_names())
            found = {name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in names}
        engine.dispose()
        return found

    old, (target, keys) = new_node("old"), places
    live(old)
    backup(old, target, keys)
    before = rows(old)
    new = new_node("new", migrated=False)
    restore(new, target, keys)
    assert rows(new) == before


def test_keys_are_never_in_the_backup_itself(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old)
    backup(old, target, keys)
    ring = msgspec.json.decode((old.settings.home / "keys" / "ring.json").read_bytes())
    content = target.read_bytes()
    for key in ring["keys"]:
        assert key["secret"].encode() not in content
    assert b"subjects.sqlite" not in content
    assert {path.stat().st_mode & 0o777 for path in (target, keys)} == {0o600}


@pytest.mark.parametrize("beside", ["same folder", "in the home", "there already"])
def test_places_where_a_backup_does_not_belong_are_refused(new_node: NewNode, places: tuple[Path, Path], beside: str):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    if beside == "there already":
        target.write_text("another backup")
    chosen = {
        "same folder": (target, target.parent / "node.keys"),
        "in the home": (old.settings.home / "node.tar", keys),
        "there already": (target, keys),
    }[beside]
    with pytest.raises(BadRequest):
        backup(old, *chosen)
    assert not keys.exists()
    assert beside != "there already" or target.read_text() == "another backup"


def test_without_its_keys_a_backup_is_not_restored(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, target, keys)
    new = new_node("new", migrated=False)
    with pytest.raises(Misconfigured, match=r"ring\.json is missing"):
        restore(new, target)
    shutil.copytree(old.settings.home / "keys", new.settings.home / "keys")
    assert restore(new, target).files == 1


def test_the_keys_of_another_node_do_not_open_it(new_node: NewNode, places: tuple[Path, Path], tmp_path: Path):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, target, keys)
    stranger = new_node("stranger")
    live(stranger, 1)
    (tmp_path / "elsewhere").mkdir()
    backup(stranger, tmp_path / "elsewhere" / "node.tar", tmp_path / "stranger.keys")
    new = new_node("new", migrated=False)
    with pytest.raises(Damaged, match="not signed"):
        restore(new, target, tmp_path / "stranger.keys")


def rewrite(path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    """The tar at ``path`` again, with each member changed or left out."""
    with tarfile.open(path) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as tar:
        for changed in (change(*member) for member in members):
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                tar.addfile(info, BytesIO(changed[1]))


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1 if content else 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "part", ["files/", "database/", "ledger/calls/tile/entries", "ledger/audit/checkpoint", PARTS, MANIFEST]
)
@pytest.mark.parametrize("how", ["changed", "left out", "renamed"])
def test_a_changed_backup_restores_nothing(new_node: NewNode, places: tuple[Path, Path], part: str, how: str):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, target, keys)

    def change(name: str, content: bytes) -> tuple[str, bytes] | None:
        if not name.startswith(part):
            return name, content
        return {"changed": (name, flipped(content)), "left out": None, "renamed": ("../" + name, content)}[how]

    rewrite(target, change)
    new = new_node("new", migrated=False)
    with pytest.raises(Damaged):
        restore(new, target, keys)
    assert list(new.settings.home.iterdir()) == []
    assert_empty(new)


def assert_empty(kernel: Kernel) -> None:
    engine = engine_for(kernel.settings.database_url())
    assert inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_backup_that_was_cut_off_restores_nothing(new_node: NewNode, places: tuple[Path, Path], share: float):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, target, keys)
    content = target.read_bytes().rstrip(b"\x00")
    target.write_bytes(content[: int(len(content) * share)])
    new = new_node("new", migrated=False)
    with pytest.raises(Damaged):
        restore(new, target, keys)
    assert_empty(new)


def test_a_ledger_that_was_rewritten_before_the_backup_is_found_at_its_restore(
    new_node: NewNode, places: tuple[Path, Path]
):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    entries = old.settings.home / "ledger" / "audit" / "tile" / "entries"
    (path,) = [path for path in entries.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes().replace(b"files.kept", b"files.lost"))
    backup(old, target, keys)
    new = new_node("new", migrated=False)
    with pytest.raises(Damaged, match="audit"):
        restore(new, target, keys)
    assert_empty(new)


def test_a_database_shorter_than_its_published_ledger_is_refused(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    engine = engine_for(old.settings.database_url())
    with engine.begin() as connection:
        for table in ("ledger_leaf", "ledger_checkpoint"):
            connection.execute(text(f"DELETE FROM {table} WHERE log = 'audit'"))
    engine.dispose()
    backup(old, target, keys)
    new = new_node("new", migrated=False)
    with pytest.raises(Damaged, match="fewer records"):
        restore(new, target, keys)
    assert_empty(new)


def test_nothing_is_restored_over_what_is_there(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, target, keys)
    with pytest.raises(Conflict, match="not empty"):
        restore(old, target, keys)
    migrated = new_node("new")
    with pytest.raises(Conflict):
        restore(migrated, target, keys)


def test_a_subject_erased_after_the_keys_were_backed_up_stays_erased(
    new_node: NewNode, places: tuple[Path, Path], tmp_path: Path
):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    backup(old, tmp_path / "early.tar", keys)

    order: dict[str, Any] = {"id": new_id(), "subject": "person:anna", "legal_basis": "the law", "reason": "on request"}
    order |= {"asked_by": "a", "confirmed_by": "b"}

    def ordered(unit: Unit) -> None:
        unit.execute(insert(erased).values(order | {"asked_at": unit.now, "at": unit.now}))

    async def forget() -> None:
        async with old.running(background=False):
            await old.units.write(NODE, ordered)
            old.subject_keys.erase("person:anna")

    asyncio.run(forget())
    backup(old, target)
    new = new_node("new", migrated=False)
    assert restore(new, target, keys).erased_again == 1
    with sqlite3.connect(new.settings.home / "keys" / "subjects.sqlite") as store:
        assert store.execute("SELECT count(*) FROM subject WHERE id = 'person:anna'").fetchone() == (0,)


def test_files_that_rows_name_and_the_backup_lacks_are_counted(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old, 2)
    next(path for path in (old.settings.home / "files").rglob("*") if path.is_file()).unlink()
    backup(old, target, keys)
    assert restore(new_node("new", migrated=False), target, keys).files_missing == 1


def test_the_published_log_is_cut_at_one_checkpoint_though_it_has_grown(new_node: NewNode, tmp_path: Path):
    """A partial tile becomes full, and is dropped, between the reading of the checkpoint and of the tile."""
    node = new_node("node")

    async def grow() -> None:
        async with node.running(background=False):
            await node.units.write(NODE, many, 200)
            await node.book.catch_up()
            folder = node.settings.home / "ledger" / "audit"
            taken = published_at_once(folder)
            first = [next(taken)]
            await node.units.write(NODE, many, 200)
            await node.book.catch_up()
            for name, content in [*first, *taken]:
                target = tmp_path / "taken" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            assert (folder / CHECKPOINT).read_bytes() != (tmp_path / "taken" / CHECKPOINT).read_bytes()

    def many(unit: Unit, count: int) -> None:
        for _ in range(count):
            unit.record("test.acted")

    asyncio.run(grow())
    report = verify(tmp_path / "taken")
    assert (report.code, report.size) == (0, 200), report.faults


def test_tables_of_no_enabled_plugin_are_named(new_node: NewNode, places: tuple[Path, Path]):
    old, (target, keys) = new_node("old"), places
    live(old, 1)
    engine = engine_for(old.settings.database_url())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE acme_orphan (id integer)"))
    kind = engine.dialect.name
    engine.dispose()
    made = backup(old, target, keys)
    assert made.database.left_out == (["acme_orphan"] if kind == "postgresql" else [])
    restored = restore(new_node("new", migrated=False), target, keys)
    assert restored.tables_left_out == made.database.left_out
