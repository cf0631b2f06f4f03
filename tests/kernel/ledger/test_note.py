"""Signed notes, checkpoints and policies against the C2SP texts and the Go implementation's published key."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.crypto import STANDARD
from gdbos.ledger.merkle import EMPTY_ROOT
from gdbos.ledger.note import COSIGNATURE, Checkpoint, Malformed, Note, Signer, Verifier
from gdbos.ledger.policy import Policy

# The example of Go's golang.org/x/mod/sumdb/note documentation.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "gdbos.450100/calls/1"


@pytest.fixture
def log() -> Signer:
    return Signer(ORIGIN, STANDARD.new_private())


def witness(name: str) -> Signer:
    return Signer(name, STANDARD.new_private(), COSIGNATURE)


def checkpoint(size: int = 3) -> Checkpoint:
    return Checkpoint(ORIGIN, size, STANDARD.digest(b"root"))


def test_the_published_example_verifies_and_is_written_alike():
    verifier, signer = Verifier.parse(GO_VKEY), Signer.parse(GO_SKEY)
    note = Note.parse(GO_TEXT + "\n" + GO_LINE)
    assert note.verified_by([verifier]) == [verifier]
    assert signer.verifier == verifier
    assert (verifier.vkey, signer.skey) == (GO_VKEY, GO_SKEY)
    assert str(Note(GO_TEXT, (signer.sign(GO_TEXT),))) == GO_TEXT + "\n" + GO_LINE
    assert "AYEKFALV" not in repr(signer)


def test_a_checkpoint_survives_writing_and_reading(log: Signer):
    note = checkpoint().signed(log)
    again = Note.parse(str(note).encode())
    assert again == note
    assert Checkpoint.parse(again.text) == checkpoint()
    assert Policy.of(log.verifier.vkey).accepts(again) == checkpoint()


def test_no_changed_checkpoint_is_accepted(log: Signer):
    content = str(checkpoint().signed(log)).encode()
    policy = Policy.of(log.verifier.vkey)
    accepted = 0
    for at in range(len(content)):
        for bit in range(8):
            changed = bytes([*content[:at], content[at] ^ 1 << bit, *content[at + 1 :]])
            try:
                accepted += policy.accepts(Note.parse(changed)) is not None
            except Malformed:
                continue
    assert accepted == 0


def test_a_failing_line_under_a_known_key_discredits_the_note(log: Signer):
    good = checkpoint().signed(log)
    wrong = log.sign("another text\n")
    assert good.signed_also(wrong).verified_by([log.verifier]) == []
    unknown = Signer(ORIGIN, STANDARD.new_private()).sign("another text\n")
    assert good.signed_also(unknown).verified_by([log.verifier]) == [log.verifier]


def test_a_log_cannot_sign_for_another(log: Signer):
    note = Checkpoint("gdbos.450200/calls/1", 3, STANDARD.digest(b"root")).signed(log)
    assert Policy.of(log.verifier.vkey).accepts(note) is None


@pytest.mark.parametrize(
    "text",
    [
        "o\n01\nAA==\n",
        "o\n+1\nx\n",
        "o\n-1\nx\n",
        "o\n1\n",
        "o\n1\nAAAA\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n0\nFQB5Fj3tWiB3w1NJKpNYXHXZ4Xs8JYzZ0l3Xb1bXwLE=\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "o\n99999999999999999999\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ],
)
def test_checkpoints_are_read_strictly(text: str):
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 name",
        "text\n\n— name AAAAAAA=\nmore\n".encode(),
        "text\n\n— name  AAAAAAA=\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        "te\rxt\n\n— name AAAAAAA=\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        ("text\n\n" + "— name AAAAAAA=\n" * 100).encode(),
    ],
)
def test_notes_are_read_strictly(content: bytes):
    with pytest.raises(Malformed):
        Note.parse(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_malformed(content: bytes):
    for parse in (Note.parse, Policy.parse):
        try:
            parse(content)
        except Malformed:
            continue


@given(st.text(max_size=80))
def test_any_text_is_a_key_or_malformed(text: str):
    for parse in (Verifier.parse, Signer.parse, Checkpoint.parse):
        try:
            parse(text)
        except Malformed:
            continue


def test_every_changed_character_of_a_vkey_is_noticed(log: Signer):
    vkey, dice = log.verifier.vkey, random.Random(7)
    for at in range(len(vkey)):
        other = dice.choice([c for c in "abcXYZ019+/=" if c != vkey[at]])
        try:
            assert Verifier.parse(vkey[:at] + other + vkey[at + 1 :]) != log.verifier
        except Malformed:
            continue


def test_cosignatures_bind_the_time(log: Signer):
    one = witness("gdbos.450000/witness")
    line = one.cosign(checkpoint().text, 1_700_000_000)
    assert one.verifier.verifies(checkpoint().text, line)
    later = (1_700_000_001).to_bytes(8, "big") + line.value[8:]
    assert not one.verifier.verifies(checkpoint().text, type(line)(line.name, line.key_id, later))
    assert not one.verifier.verifies(checkpoint().text, type(line)(line.name, line.key_id, b""))


def test_a_policy_asks_for_its_quorum(log: Signer):
    ones = {name: witness(f"w/{name}") for name in ("X1", "X2", "Y1")}
    lines = [f"log {log.verifier.vkey} https://log.example", "# who watches", ""]
    lines += [f"witness {name} {one.verifier.vkey}" for name, one in ones.items()]
    lines += ["group X any X1 X2", "\tgroup both all X Y1", "quorum both", ""]
    policy = Policy.parse("\n".join(lines).encode())
    note = checkpoint().signed(log)
    assert policy.accepts(note) is None
    note = note.signed_also(ones["X2"].cosign(note.text, 1))
    assert policy.accepts(note) is None
    note = note.signed_also(ones["Y1"].cosign(note.text, 2))
    assert policy.accepts(note) == checkpoint()
    assert policy.cosigned(note) == ["X2", "Y1"]
    assert Policy.parse(str(policy).encode()).accepts(note) == checkpoint()


def test_policies_are_read_strictly(log: Signer):
    one = witness("w").verifier.vkey
    key = log.verifier.vkey
    for wrong in (
        "",
        f"log {key}",
        "quorum none\nquorum none",
        f"log {key}\nlog {key}\nquorum none",
        f"log {one}\nquorum none",
        f"witness a {key}\nquorum none",
        f"witness none {one}\nquorum none",
        f"witness a {one}\nwitness b {one}\nquorum a",
        f"quorum a\nwitness a {one}",
        f"witness a {one}\ngroup g 2 a\nquorum g",
        f"witness a {one}\ngroup g 0 a\nquorum g",
        f"witness a {one}\ngroup g all\nquorum g",
        f"witness a {one}\ngroup g any a\ngroup h any a\nquorum h",
        "logs x\nquorum none",
        "quorum none\x00",
    ):
        with pytest.raises(Malformed):
            Policy.parse(wrong.encode())


def test_the_empty_tree_has_its_own_root():
    assert Checkpoint.parse(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text).size == 0
