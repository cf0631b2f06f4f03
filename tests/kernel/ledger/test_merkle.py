"""The tree against its definition in RFC 9162 §2.1, for every tree of up to 64 leaves and every pair of sizes."""

from __future__ import annotations

import random
import time
from hashlib import sha256

import pytest

from gdbos.ledger import verify_consistency, verify_inclusion
from gdbos.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
)

from .conftest import PROVE

MOST = 64
LEAVES = [leaf_hash(bytes([number])) for number in range(MOST)]


def mth(hashes: list[bytes]) -> bytes:
    """MTH, path and proof below are the RFC's recursive definitions, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    return [*path(m, hashes[:k]), mth(hashes[k:])] if m < k else [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def node_of(leaves: list[bytes]) -> Node:
    return lambda level, index: mth(leaves[index << level : (index + 1) << level])


NODE = node_of(LEAVES)
ROOTS = [mth(LEAVES[:size]) for size in range(MOST + 1)]


def test_roots_are_those_of_the_definition_and_of_the_published_vectors():
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    known = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    hashes = [leaf_hash(bytes.fromhex(entry)) for entry in entries]
    frontier = Frontier()
    for size, expected in enumerate(known):
        assert frontier.root().hex() == expected == root(size, node_of(hashes)).hex()
        frontier.extend(hashes[size : size + 1])


@pytest.mark.parametrize("size", range(MOST + 1))
def test_every_leaf_is_proved_as_the_definition_says(size: int):
    assert root(size, NODE) == ROOTS[size]
    for index in range(size):
        proof = inclusion_proof(index, size, NODE)
        assert proof == path(index, LEAVES[:size])
        assert verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


@pytest.mark.parametrize("new", range(MOST + 1))
def test_every_earlier_tree_is_proved_as_the_definition_says(new: int):
    for old in range(new + 1):
        proof = consistency_proof(old, new, NODE)
        assert proof == (subproof(old, LEAVES[:new], True) if old else [])
        assert verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])


def test_a_tree_that_is_not_the_beginning_is_never_proved():
    other = [mth([leaf_hash(b"other"), *LEAVES[1:size]]) for size in range(1, MOST + 1)]
    for new in range(2, MOST + 1):
        for old in range(1, new):
            assert not verify_consistency(old, new, consistency_proof(old, new, NODE), other[old - 1], ROOTS[new])


def test_edges_of_inclusion():
    leaf = LEAVES[0]
    assert verify_inclusion(0, 1, leaf, [], leaf)
    assert not verify_inclusion(0, 0, leaf, [], EMPTY_ROOT), "nothing is in the empty tree"
    assert not verify_inclusion(0, 0, EMPTY_ROOT, [], EMPTY_ROOT)
    assert not verify_inclusion(1, 1, leaf, [], leaf)
    assert not verify_inclusion(-1, 1, leaf, [], leaf)
    assert not verify_inclusion(0, 1, leaf, [leaf], node_hash(leaf, leaf))
    assert not verify_inclusion(0, 2, leaf[:-1], [leaf], node_hash(leaf[:-1], leaf)), "hashes have 32 bytes"
    with pytest.raises(ValueError, match="no leaf 3"):
        inclusion_proof(3, 3, NODE)


def test_edges_of_consistency():
    assert verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    assert verify_consistency(0, 5, [], EMPTY_ROOT, ROOTS[5])
    assert verify_consistency(5, 5, [], ROOTS[5], ROOTS[5])
    assert not verify_consistency(0, 0, [], ROOTS[1], ROOTS[1]), "the empty tree has one root"
    assert not verify_consistency(0, 5, [], ROOTS[1], ROOTS[5])
    assert not verify_consistency(0, 5, [ROOTS[5]], EMPTY_ROOT, ROOTS[5])
    assert not verify_consistency(5, 5, [], ROOTS[5], ROOTS[4])
    assert not verify_consistency(5, 5, [ROOTS[5]], ROOTS[5], ROOTS[5])
    assert not verify_consistency(5, 4, [], ROOTS[5], ROOTS[4]), "a log never shrinks"
    assert not verify_consistency(-1, 4, [], ROOTS[4], ROOTS[4])
    assert not verify_consistency(3, 5, [], ROOTS[3], ROOTS[5])
    with pytest.raises(ValueError, match="No proof leads"):
        consistency_proof(5, 4, NODE)


def flipped(value: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(value) * 8)
    return bytes([*value[: at // 8], value[at // 8] ^ 1 << at % 8, *value[at // 8 + 1 :]])


def mutated(proof: list[bytes], dice: random.Random) -> list[bytes]:
    """The proof with one thing wrong with it."""
    at = dice.randrange(len(proof)) if proof else 0
    kinds = ["add", "double"] if not proof else ["flip", "drop", "add", "double", "swap", "cut"]
    match dice.choice(kinds):
        case "flip":
            return [*proof[:at], flipped(proof[at], dice), *proof[at + 1 :]]
        case "drop":
            return [*proof[:at], *proof[at + 1 :]]
        case "add":
            return [*proof[:at], dice.randbytes(32), *proof[at:]]
        case "double":
            return [*proof[:at], *(proof[at : at + 1] or LEAVES[:1]) * 2, *proof[at + 1 :]]
        case "cut":
            return [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
        case _:
            other = dice.randrange(len(proof))
            swapped = list(proof)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            return swapped if swapped != proof else [*proof, proof[at]]


def test_no_mutated_proof_is_accepted():
    dice, tried, accepted = random.Random(20261123), 0, 0
    for _ in range(50_000 if PROVE else 5_000):
        size = dice.randint(1, MOST)
        index = dice.randrange(size)
        proof, leaf, whole = inclusion_proof(index, size, NODE), LEAVES[index], ROOTS[size]
        match dice.randrange(4):
            case 0:
                forged = (index, leaf, mutated(proof, dice), whole)
            case 1:
                forged = (index, flipped(leaf, dice), proof, whole)
            case 2:
                forged = (index, leaf, proof, flipped(whole, dice))
            case _:
                forged = (dice.choice([n for n in range(-1, size + 2) if n != index]), leaf, proof, whole)
        tried += 1
        accepted += verify_inclusion(forged[0], size, *forged[1:])
        new = dice.randint(1, MOST)
        old = dice.randint(1, new)
        steps, first, second = consistency_proof(old, new, NODE), ROOTS[old], ROOTS[new]
        match dice.randrange(3):
            case 0:
                steps = mutated(steps, dice)
            case 1:
                first = flipped(first, dice)
            case _:
                second = flipped(second, dice)
        tried += 1
        accepted += verify_consistency(old, new, steps, first, second)
    assert (tried, accepted) == (100_000 if PROVE else 10_000, 0)


def test_a_frontier_can_be_put_away_and_taken_up_again():
    whole, broken = Frontier(), Frontier()
    full = whole.extend(leaf_hash(number.to_bytes(4, "big")) for number in range(70_000))
    found = []
    for start in range(0, 70_000, 7_001):
        end = min(start + 7_001, 70_000)
        found += broken.extend(leaf_hash(number.to_bytes(4, "big")) for number in range(start, end))
        broken = Frontier.unpacked(broken.size, broken.packed())
    assert broken.root() == whole.root()
    assert found == full
    assert [len([1 for level, _, _ in full if level == wanted]) for wanted in (1, 2, 3)] == [273, 1, 0]


def test_a_frontier_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="has 2 hashes on its edge, not 1"):
        Frontier(3, [EMPTY_ROOT])


def test_appending_is_quick():
    entries = [number.to_bytes(300, "big") for number in range(100_000)]
    start = time.process_time()
    Frontier().extend(map(leaf_hash, entries))
    seconds = time.process_time() - start
    assert seconds < 1, f"100,000 leaves took {seconds:.2f} s of CPU"
