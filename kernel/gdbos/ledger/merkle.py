"""Merkle trees as RFC 6962 §2.1 and RFC 9162 §2.1 define them, over SHA-256.

A tree is never held whole. ``Frontier`` grows one from the few hashes on its right edge; proofs are made from a function
``node(level, index)`` that gives the hash over leaves ``index·2^level`` to ``(index+1)·2^level``, wherever it is kept.
SHA-256 is the tree hash under every crypto provider: a record's proof must not depend on what the node signs with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

Node = Callable[[int, int], bytes]

EMPTY_ROOT: Final = sha256(b"").digest()
HASH_SIZE: Final = 32
TILE_HEIGHT: Final = 8
"""Levels of the tree that one tile spans (C2SP tlog-tiles)."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: one hash for each bit set in its size, the largest subtree first."""

    __slots__ = ("edge", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size, self.edge = size, list(edge)
        if len(self.edge) != size.bit_count():
            raise ValueError(
                f"A tree of {size} leaves has {size.bit_count()} hashes on its edge, not {len(self.edge)}."
            )

    def extend(self, hashes: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
        """Append leaf hashes; returns (tile level, index, hash) of every tile that became full, in the order they did."""
        full, edge, size, hashed = [], self.edge, self.size, sha256
        for leaf in hashes:
            current, carry, level = leaf, size, 0
            while carry & 1:
                current = hashed(b"\x01" + edge.pop() + current).digest()
                carry, level = carry >> 1, level + 1
                if not level % TILE_HEIGHT:
                    full.append((level // TILE_HEIGHT, carry, current))
            edge.append(current)
            size += 1
        self.size = size
        return full

    def root(self) -> bytes:
        return fold(self.edge)

    def packed(self) -> bytes:
        """The edge as bytes to keep; ``unpacked`` reads them back."""
        return b"".join(self.edge)

    @classmethod
    def unpacked(cls, size: int, edge: bytes) -> Frontier:
        return cls(size, (edge[at : at + HASH_SIZE] for at in range(0, len(edge), HASH_SIZE)))


def fold(edge: Sequence[bytes]) -> bytes:
    """The root over subtrees given largest first; the empty tree's root for none."""
    if not edge:
        return EMPTY_ROOT
    hashed = edge[-1]
    for left in reversed(edge[:-1]):
        hashed = node_hash(left, hashed)
    return hashed


def subtree(start: int, end: int, node: Node) -> bytes:
    """MTH(D[start:end]), for a ``start`` that a tree of ``end`` leaves can be split at."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    return fold(parts)


def root(size: int, node: Node) -> bytes:
    """The root of the first ``size`` leaves."""
    return subtree(0, size, node)


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162 §2.1.3.1, from the leaf's sibling up. ``ValueError`` when there is no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    return _path(index, 0, size, node)


def _path(index: int, start: int, end: int, node: Node) -> list[bytes]:
    proof = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(subtree(middle, end, node))
            end = middle
        else:
            proof.append(subtree(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 9162 §2.1.4.1; empty from the empty tree and to itself. ``ValueError`` when it shrinks."""
    if not 0 <= old <= new:
        raise ValueError(f"No proof leads from {old} leaves to {new}.")
    proof, start, end = [], 0, new
    while old and end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(subtree(middle, end, node))
            end = middle
        else:
            proof.append(subtree(start, middle, node))
            start = middle
    if start:  # the verifier cannot make this part from the old root alone
        proof.append(subtree(start, end, node))
    return proof[::-1]


def _split(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << (width - 1).bit_length() - 1


def verify_inclusion(
    leaf_index: int, tree_size: int, leaf_hash: bytes, inclusion_path: Sequence[bytes], root_hash: bytes
) -> bool:
    """Whether the path shows that ``leaf_hash`` is at ``leaf_index`` of the tree of ``tree_size`` leaves with that root.

    RFC 9162 §2.1.3.2. Nothing is included in the empty tree. Never raises on a malformed path.
    """
    if not 0 <= leaf_index < tree_size or not _hashes(leaf_hash, root_hash, *inclusion_path):
        return False
    place, last, computed = leaf_index, tree_size - 1, leaf_hash
    for hashed in inclusion_path:
        if not last:
            return False
        if place & 1 or place == last:
            computed = node_hash(hashed, computed)
            place, last = _climb(place, last)
        else:
            computed = node_hash(computed, hashed)
        place, last = place >> 1, last >> 1
    return not last and computed == root_hash


def verify_consistency(
    first: int, second: int, consistency_path: Sequence[bytes], first_hash: bytes, second_hash: bytes
) -> bool:
    """Whether the path shows that the tree of ``second`` leaves begins with the tree of ``first`` leaves.

    RFC 9162 §2.1.4.2; beyond its text: equal sizes need equal roots and no path, and from the empty tree (whose root is
    SHA-256 of nothing) every tree follows, without a path. Never raises on a malformed path.
    """
    if not 0 <= first <= second or not _hashes(*consistency_path):
        return False
    if first == second:
        return not consistency_path and first_hash == second_hash and (first > 0 or first_hash == EMPTY_ROOT)
    if first == 0:
        return not consistency_path and first_hash == EMPTY_ROOT
    return bool(consistency_path) and _leads(first, second, consistency_path, first_hash, second_hash)


def _leads(first: int, second: int, path: Sequence[bytes], first_hash: bytes, second_hash: bytes) -> bool:
    whole = [first_hash, *path] if first & first - 1 == 0 else path
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = whole[0]
    for hashed in whole[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            place, last = _climb(place, last)
        else:
            new = node_hash(new, hashed)
        place, last = place >> 1, last >> 1
    return not last and old == first_hash and new == second_hash


def _climb(place: int, last: int) -> tuple[int, int]:
    """Past the levels where a right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _hashes(*values: bytes) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_SIZE for value in values)
