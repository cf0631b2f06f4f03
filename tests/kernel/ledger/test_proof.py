"""Proof files: anybody can check them with a program written from the specifications, and no changed one passes."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.errors import NotFound
from gdbos.ids import new_id
from gdbos.ledger.leaf import identity
from gdbos.ledger.note import Malformed, Signer
from gdbos.ledger.policy import Policy
from gdbos.ledger.proof import Proof
from gdbos.ledger.prove import Unprovable, check, consistency, prove
from gdbos.ledger.report import INCOMPLETE, SOUND, TAMPERED

from . import spec_checker
from .conftest import PROVE, Log

CHECKER = Path(__file__).with_name("spec_checker.py")


def test_an_independent_program_proves_every_record(log: Log):
    vkey = log.signer.verifier.vkey
    for count in (1, 1, 5, 250, 300):
        log.grow(count)
        step = max(1, len(log.records) // 40)
        for index in {*range(0, len(log.records), step), len(log.records) - 1}:
            content = str(prove(log.folder, index)).encode()
            assert spec_checker.proved(content, vkey) == log.records[index]
            assert check(content, Policy.of(vkey)).code == SOUND


def test_the_independent_program_runs_by_itself(log: Log, tmp_path: Path):
    log.grow(20)
    file = tmp_path / "one.tlog-proof"
    file.write_text(str(prove(log.folder, 13)))
    command = [sys.executable, "-I", str(CHECKER), str(file), log.signer.verifier.vkey]
    assert subprocess.run(command, capture_output=True, check=True).stdout == log.records[13]
    file.write_text(file.read_text().replace("index 13", "index 12"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_a_proof_is_found_by_its_call(log: Log):
    log.grow(300)
    wanted = identity(log.records[257])
    assert wanted is not None
    proof = prove(log.folder, wanted)
    assert (proof.index, proof.record) == (257, log.records[257])
    with pytest.raises(NotFound):
        prove(log.folder, new_id())
    with pytest.raises(NotFound):
        prove(log.folder, 300)
    with pytest.raises(NotFound):
        prove(log.folder / "nowhere", 0)


def test_a_proof_survives_writing_and_reading(log: Log):
    log.grow(5)
    proof = prove(log.folder, 4)
    content = str(proof).encode()
    assert Proof.parse(content) == proof
    assert str(Proof.parse(content)).encode() == content
    bare = Proof(proof.index, proof.path, proof.note)
    assert "extra" not in str(bare)
    policy = Policy.of(log.signer.verifier.vkey)
    assert check(str(bare).encode(), policy).code == INCOMPLETE
    assert check(str(bare).encode(), policy, log.records[4]).code == SOUND
    assert check(str(bare).encode(), policy, log.records[3]).code == TAMPERED


def test_no_changed_proof_file_passes(log: Log):
    """Every bit of a proof file, and at random what else can be done to one."""
    log.grow(37)
    policy, dice, tried, passed = Policy.of(log.signer.verifier.vkey), random.Random(5), 0, list[bytes]()
    proofs = [str(prove(log.folder, index)).encode() for index in range(37)]
    changed = [
        bytes([*proofs[19][:at], proofs[19][at] ^ 1 << bit, *proofs[19][at + 1 :]])
        for at in range(len(proofs[19]))
        for bit in range(8)
    ]
    for _ in range(20_000 if PROVE else 2_000):
        lines = dice.choice(proofs).split(b"\n")
        at, other = dice.randrange(len(lines)), dice.choice(proofs).split(b"\n")
        lines[at : at + dice.randrange(2)] = [dice.choice(other)]
        changed.append(b"\n".join(lines))
    for content in changed:
        if content in proofs:
            continue
        tried += 1
        if check(content, policy).code == SOUND:
            passed.append(content)
    assert passed == []
    assert tried > 4_000


@given(st.binary(max_size=300))
def test_any_bytes_are_a_proof_or_malformed(content: bytes):
    for text in (content, b"c2sp.org/tlog-proof@v1\n" + content):
        try:
            Proof.parse(text)
        except Malformed:
            continue


def test_a_proof_is_not_made_from_damaged_files(log: Log):
    log.grow(40)
    path = log.folder / "tile/entries/000.p/40"
    original = path.read_bytes()
    path.write_bytes(original[:3] + bytes([original[3] ^ 1]) + original[4:])
    with pytest.raises(Unprovable):
        prove(log.folder, 0)
    path.write_bytes(original[:-5])
    with pytest.raises(Unprovable):
        prove(log.folder, 0)
    path.unlink()
    with pytest.raises(Unprovable):
        prove(log.folder, 0)


def test_two_checkpoints_of_one_history_are_consistent(log: Log):
    log.grow(30).grow(10).grow(260)
    kept = log.folder / "checkpoints"
    for a, b in (
        (kept / "30", kept / "40"),
        (kept / "40", kept / "30"),
        (kept / "30", log.folder),
        (log.folder, log.folder),
    ):
        report = consistency(a, b)
        assert (report.code, report.faults) == (SOUND, [])


def test_two_histories_are_not(log: Log, make_log: Callable[[Signer], Log]):
    log.grow(30).grow(70)
    other = make_log(log.signer).grow(100)
    policy = Policy.of(log.signer.verifier.vkey)
    assert consistency(log.folder, other.folder, policy).code == TAMPERED
    assert consistency(log.folder / "checkpoints" / "30", other.folder, policy).code == TAMPERED
    strange = make_log(Signer("gdbos.450200/audit/1", log.signer.private)).grow(120)
    both = Policy((log.signer.verifier, strange.signer.verifier))
    assert "two logs" in str(consistency(log.folder, strange.folder, both).faults)


def test_consistency_without_the_hashes_is_undecided(log: Log, tmp_path: Path):
    log.grow(30).grow(10)
    policy = Policy.of(log.signer.verifier.vkey)
    alone = []
    for size in (30, 40):
        folder = tmp_path / "far" / "away" / str(size)
        folder.mkdir(parents=True)
        alone.append(folder / "checkpoint")
        alone[-1].write_bytes((log.folder / "checkpoints" / str(size)).read_bytes())
    assert consistency(alone[0], alone[1], policy).code == INCOMPLETE
    assert consistency(alone[0], alone[0], policy).code == SOUND
    assert consistency(alone[0], tmp_path / "missing", policy).code == INCOMPLETE
    assert consistency(alone[0], log.folder, policy).code == SOUND
