"""Contents lie sealed under names that tell nothing, whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.crypto import NotAuthentic
from gdbos.errors import NotFound
from gdbos.files.store import FileStore
from gdbos.vault import KeyRing, Vault

CONTENT = b"a fictional lease, page one"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", Vault(KeyRing.create(tmp_path / "keys")))


def test_what_is_put_is_read(store: FileStore):
    assert store.read(store.put(CONTENT)) == CONTENT


@given(content=st.binary(max_size=5_000))
def test_any_content_is_read_as_it_was_put(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    folder = tmp_path_factory.mktemp("node")
    store = FileStore(folder / "files", Vault(KeyRing.create(folder / "keys")))
    assert store.read(store.put(content)) == content


def test_neither_name_nor_bytes_on_disk_tell_the_content(store: FileStore, tmp_path: Path):
    digest = store.put(CONTENT)
    path = store.folder / digest[:2] / digest
    assert CONTENT not in path.read_bytes()
    assert digest not in hashlib.sha256(CONTENT).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600
    other = FileStore(tmp_path / "other", Vault(KeyRing.create(tmp_path / "other-keys")))
    assert other.digest(CONTENT) != digest


def test_the_same_content_lies_there_once(store: FileStore):
    assert store.put(CONTENT) == store.put(CONTENT)
    assert len(list(store.kept())) == 1


def test_putting_again_mends_what_was_damaged(store: FileStore):
    digest = store.put(CONTENT)
    store.path(digest).write_bytes(b"damaged")
    store.put(CONTENT)
    assert store.read(digest) == CONTENT


def test_a_changed_byte_is_noticed(store: FileStore):
    digest = store.put(CONTENT)
    path = store.path(digest)
    sealed = bytearray(path.read_bytes())
    for at in (0, 3, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(NotAuthentic):
            store.read(digest)


def test_one_file_cannot_be_put_in_anothers_place(store: FileStore):
    one, two = store.put(CONTENT), store.put(b"another fictional document")
    store.path(one).write_bytes(store.path(two).read_bytes())
    with pytest.raises(NotAuthentic):
        store.read(one)


def test_what_is_removed_is_not_found(store: FileStore):
    digest = store.put(CONTENT)
    store.remove(digest)
    store.remove(digest)
    assert not store.holds(digest)
    with pytest.raises(NotFound):
        store.read(digest)


@pytest.mark.parametrize("name", ["", "../../keys/ring.json", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_what_is_no_digest_names_no_place(store: FileStore, name: str):
    with pytest.raises(ValueError, match="digest"):
        store.path(name)
