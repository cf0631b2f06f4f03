"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that what is made later sorts later."""

from __future__ import annotations

import os
import time
from io import BytesIO
from threading import Lock
from uuid import UUID

import msgspec

_RANDOM_BITS = 74
_BYTES = 10
_lock = Lock()
_last = 0
_random = BytesIO()
"""Bytes from the system, fetched for hundreds of ids: each fetch gives up Python's lock, which a busy event loop feels."""


def _forget() -> None:
    global _random
    _random = BytesIO()


os.register_at_fork(after_in_child=_forget)  # a child must not make its parent's ids


def new_id() -> UUID:
    """A fresh id, greater than every id this process made before, even when the clock steps back.

    Two ids of one millisecond differ by a random step (RFC 9562 §6.2, method 2); a full millisecond runs on into the next.
    """
    global _last, _random
    with _lock:
        if len(found := _random.read(_BYTES)) < _BYTES:
            _random = BytesIO(os.urandom(_BYTES * 512))
            found = _random.read(_BYTES)
        random = int.from_bytes(found, "big")
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | random & (1 << _RANDOM_BITS) - 1
        _last = value = max(fresh, _last + 1 + (random >> _RANDOM_BITS & 0x3FFFFFFF))
    high, low = value >> 62, value & (1 << 62) - 1
    made = high >> 12 << 80 | 7 << 76 | (high & 0xFFF) << 64 | 2 << 62 | low
    return msgspec.convert(made.to_bytes(16, "big"), UUID)  # half of what UUID(int=…) costs
