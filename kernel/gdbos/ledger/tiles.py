"""The C2SP tlog-tiles layout: where a log's hashes and entries are in a folder, and the tree's nodes made from tiles."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from gdbos.ledger.merkle import HASH_SIZE, TILE_HEIGHT, Node, fold

WIDTH: Final = 1 << TILE_HEIGHT
ENTRIES: Final = "entries"
Level = int | Literal["entries"]
Read = Callable[[int, int, int], bytes]
"""Tile level, index and width to its hashes, one after another."""

_CACHED: Final = 1_024
"""Tiles in memory at most, 8 MB."""
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")


def tile_path(level: Level, index: int, width: int = WIDTH) -> str:
    """``tile/<L>/<N>[.p/<W>]``; ``N`` in groups of three digits, all but the last behind an ``x``."""
    digits = f"{index:0{-(-len(str(index)) // 3) * 3}d}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


def parse_path(path: str) -> tuple[Level, int, int] | None:
    """Level, index and width that ``path`` stands for; ``None`` when it is not a path ``tile_path`` writes."""
    match = _PATH.match(path)
    if not match:
        return None
    level: Level = ENTRIES if match[1] == ENTRIES else int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else WIDTH
    return (level, index, width) if tile_path(level, index, width) == path else None


def widths(size: int, level: int, start: int = 0) -> list[tuple[int, int]]:
    """(index, width) of the tiles of a level in a tree of ``size``, from the one that holds hash ``start`` on."""
    hashes = size >> TILE_HEIGHT * level
    return [
        (at >> TILE_HEIGHT, min(WIDTH, hashes - at)) for at in range(start >> TILE_HEIGHT << TILE_HEIGHT, hashes, WIDTH)
    ]


def node_from(size: int, read: Read) -> Node:
    """The nodes of a tree of ``size`` leaves, made from its tiles; each tile is read about once."""
    cache: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, within = divmod(level, TILE_HEIGHT)
        first = index << within
        key = (tile_level, first >> TILE_HEIGHT)
        if key not in cache:
            if len(cache) >= _CACHED:
                cache.clear()
            width = min(WIDTH, (size >> TILE_HEIGHT * tile_level) - (key[1] << TILE_HEIGHT))
            cache[key] = read(*key, width)
        at = first % WIDTH * HASH_SIZE
        return subtree_hash(cache[key][at : at + (HASH_SIZE << within)])

    return node


def subtree_hash(hashes: bytes) -> bytes:
    """The root over a power of two of hashes that stand one after another."""
    row = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    while len(row) > 1:
        row = [fold(row[at : at + 2]) for at in range(0, len(row), 2)]
    return row[0]
