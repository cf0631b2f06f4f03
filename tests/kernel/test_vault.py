"""Sealed values open only where they were sealed; keys are read only from a file nobody else can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from gdbos.crypto import STANDARD, NotAuthentic, provider
from gdbos.errors import Conflict, Misconfigured
from gdbos.vault import RING, KeyRing, Vault, normalised

PLACE = {"table": "identity_person", "column": "citizen_id", "row": "r1", "division": "450100"}
SECRET = "fictional 450102 value"


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "keys")


@pytest.fixture
def vault(ring: KeyRing) -> Vault:
    return Vault(ring)


def test_what_is_sealed_opens_in_its_place(vault: Vault):
    sealed = vault.seal(SECRET, **PLACE)
    assert SECRET.encode() not in sealed
    assert vault.open(sealed, **PLACE).decode() == SECRET


def test_sealing_twice_gives_different_bytes(vault: Vault):
    assert vault.seal(SECRET, **PLACE) != vault.seal(SECRET, **PLACE)


@pytest.mark.parametrize("part", PLACE)
def test_a_value_moved_to_another_place_does_not_open(vault: Vault, part: str):
    sealed = vault.seal(SECRET, **PLACE)
    with pytest.raises(NotAuthentic):
        vault.open(sealed, **{**PLACE, part: "another"})


@given(parts=st.lists(st.text(max_size=6), min_size=4, max_size=4), cut=st.integers(1, 3))
def test_no_two_places_share_a_binding(tmp_path_factory: pytest.TempPathFactory, parts: list[str], cut: int):
    vault = Vault(KeyRing.create(tmp_path_factory.mktemp("keys")))
    table, column, row, division = parts
    sealed = vault.seal(SECRET, table=table, column=column, row=row, division=division)
    shifted = [*parts[: cut - 1], parts[cut - 1] + "x", *parts[cut:]]
    with pytest.raises(NotAuthentic):
        vault.open(sealed, table=shifted[0], column=shifted[1], row=shifted[2], division=shifted[3])


def test_every_flipped_bit_and_every_cut_is_noticed(vault: Vault):
    sealed = vault.seal(SECRET, **PLACE)
    changed = [
        bytes([*sealed[:i], sealed[i] ^ 1 << bit, *sealed[i + 1 :]]) for i in range(len(sealed)) for bit in range(8)
    ]
    for bad in changed + [sealed[:n] for n in range(len(sealed))]:
        with pytest.raises(NotAuthentic):
            vault.open(bad, **PLACE)


def test_values_open_after_months_and_after_rotation(ring: KeyRing):
    january = Vault(ring, clock=lambda: datetime(2026, 1, 31, tzinfo=UTC))
    sealed = january.seal(SECRET, **PLACE)
    old = ring.current("kek").id
    assert ring.rotate("kek").id != old
    reopened = Vault(KeyRing.open(ring.folder), clock=lambda: datetime(2027, 5, 1, tzinfo=UTC))
    assert reopened.open(sealed, **PLACE).decode() == SECRET
    assert reopened.seal(SECRET, **PLACE)[1:3] != sealed[1:3]


def test_a_value_does_not_open_once_its_key_is_dropped(ring: KeyRing):
    sealed = Vault(ring).seal(SECRET, **PLACE)
    old = ring.current("kek").id
    with pytest.raises(Conflict):
        ring.drop("kek", old)
    ring.rotate("kek")
    ring.drop("kek", old)
    with pytest.raises(NotAuthentic):
        Vault(KeyRing.open(ring.folder)).open(sealed, **PLACE)


def test_months_divisions_and_processes_use_different_data_keys(ring: KeyRing):
    vault = Vault(ring)
    one, other = (vault.seal(SECRET, **{**PLACE, "division": d})[:7] for d in ("450100", "450200"))
    assert one == other, "the division changes the key, not the header"
    assert Vault(ring, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)).seal(SECRET, **PLACE)[3:5] != one[3:5]


def test_blind_indexes_are_equal_for_equal_values_of_one_field_only(vault: Vault, tmp_path: Path):
    index = vault.blind("citizen_id", "45010219990101001x")
    assert len(index) == 16
    assert (
        index
        == vault.blind("citizen_id", " 45010219990101001X ")
        == vault.blind("citizen_id", "\uff14\uff1501 0219990101001\uff58")
    )
    assert index != vault.blind("phone", "45010219990101001x")
    assert index != Vault(KeyRing.create(tmp_path / "other")).blind("citizen_id", "45010219990101001x")


@given(st.text())
def test_normalising_twice_changes_nothing(value: str):
    assert normalised(normalised(value)) == normalised(value)


def test_a_missing_ring_says_what_to_restore(tmp_path: Path):
    with pytest.raises(Misconfigured, match=r"ring\.json is missing.*Restore this file.*0600"):
        KeyRing.open(tmp_path)


def test_a_ring_that_others_may_read_is_refused(ring: KeyRing):
    (ring.folder / RING).chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        KeyRing.open(ring.folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"v":2,"keys":[]}', b'{"v":1,"keys":[]}', b'{"v":1,"keys":[],"more":1}']
)
def test_a_damaged_ring_is_refused(ring: KeyRing, content: bytes):
    (ring.folder / RING).write_bytes(content)
    with pytest.raises(Misconfigured):
        KeyRing.open(ring.folder)


def test_a_ring_is_never_overwritten_by_a_new_one(ring: KeyRing):
    before = (ring.folder / RING).read_bytes()
    with pytest.raises(Conflict):
        KeyRing.create(ring.folder)
    assert (ring.folder / RING).read_bytes() == before
    assert [path.name for path in ring.folder.iterdir()] == [RING]


def test_a_ring_is_written_for_its_owner_alone_and_never_shown(ring: KeyRing):
    assert (ring.folder / RING).stat().st_mode & 0o777 == 0o600
    secrets = [key["secret"] for key in json.loads((ring.folder / RING).read_bytes())["keys"]]
    shown = repr(ring.all("kek")) + repr(ring.current("log"))
    assert not any(secret in shown for secret in secrets)
    assert "secret" not in shown


def test_signing_keys_overlap_while_they_rotate(ring: KeyRing):
    coming = next(key for key in ring.all("log") if key.state == "next")
    leaving = ring.current("log")
    assert ring.rotate("log") == KeyRing.open(ring.folder).current("log")
    assert ring.current("log").secret == coming.secret
    assert [key.state for key in ring.all("log")] == ["current", "next", "retired"]
    assert ring.key("log", leaving.id).secret == leaving.secret


def test_blind_index_keys_do_not_rotate(ring: KeyRing):
    with pytest.raises(Conflict):
        ring.rotate("blind")


@given(key=st.binary(min_size=32, max_size=32), context=st.binary(max_size=80), length=st.integers(1, 200))
def test_derived_keys_are_hkdf_expand(key: bytes, context: bytes, length: int):
    assert STANDARD.derive(key, context, length) == HKDFExpand(SHA256(), length, context).derive(key)


def test_signatures_verify_and_their_changes_do_not():
    private = STANDARD.new_private()
    public, signature = STANDARD.public(private), STANDARD.sign(private, b"message")
    assert STANDARD.verify(public, b"message", signature)
    assert not STANDARD.verify(public, b"massage", signature)
    assert not STANDARD.verify(STANDARD.public(STANDARD.new_private()), b"message", signature)
    assert not STANDARD.verify(b"short", b"message", signature)


def test_an_unknown_provider_is_named_with_those_there_are():
    assert provider("standard") is STANDARD
    with pytest.raises(Misconfigured, match="'sm' is not installed; there is: standard"):
        provider("sm")
