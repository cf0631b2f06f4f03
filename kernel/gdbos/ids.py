"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that what is made later sorts later."""

from __future__ import annotations

import os
import time
from threading import Lock
from uuid import UUID

_RANDOM_BITS = 74
_lock = Lock()
_last = 0


def new_id() -> UUID:
    """A fresh id, greater than every id this process made before, even when the clock steps back.

    Two ids of one millisecond differ by a random step (RFC 9562 §6.2, method 2); a full millisecond runs on into the next.
    """
    global _last
    random = int.from_bytes(os.urandom(13), "big")
    with _lock:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | random & (1 << _RANDOM_BITS) - 1
        _last = value = max(fresh, _last + 1 + (random >> _RANDOM_BITS & 0x3FFFFFFF))
    high, low = value >> 62, value & (1 << 62) - 1
    return UUID(int=high >> 12 << 80 | 7 << 76 | (high & 0xFFF) << 64 | 2 << 62 | low)
