"""Sealed columns and blind indexes (字段加密与盲索引), and the ring of keys that they and the signatures need.

A sealed value is ``suite (1) ‖ kek id (2) ‖ data key id (4) ‖ nonce (12) ‖ ciphertext and tag``, bound to its table, column,
row and division: copied anywhere else it does not open. Data keys are derived from the key-encryption key for one table,
division and month, so nothing but the ring has to be kept safe. Without the ring's file nothing opens again.
"""

from __future__ import annotations

import os
import struct
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final, Literal, Self
from uuid import UUID

import msgspec

from gdbos.crypto import STANDARD, NotAuthentic, Provider, provider_of
from gdbos.errors import Conflict, Misconfigured
from gdbos.storage.durable import write_whole

Use = Literal["kek", "blind", "log", "token", "witness", "message"]
State = Literal["current", "next", "retired"]
USES: Final[tuple[Use, ...]] = ("kek", "blind", "log", "token", "witness", "message")
RING: Final = "ring.json"
REFRESHED: Final = 60.0
"""Seconds after which a running process looks for keys that another one has rotated."""
OVERLAP: Final = timedelta(hours=25)
"""How long a key stays after it was rotated out: until every process has looked, every token signed with it has ended, and every
answer that the bus keeps for a repeat (24 hours) is gone."""

_HEADER = struct.Struct(">BHHH")
_PREFIX = struct.Struct(">BH")
_SEALS_PER_DATA_KEY: Final = 1 << 30
"""Random 96-bit nonces allow 2^32 values under one key (NIST SP 800-38D §8.3); a quarter leaves room for other processes."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """Says of a column that its values are sealed, and what they are bound to: ``Column(…, info={"sealed": Sealed()})``.

    Whoever renews the key-encryption key finds every sealed value by these (:mod:`gdbos.reseal`).
    """

    row: str = ""
    """The column that names the row; empty: the primary key."""
    division: str = ""
    """The column whose division the value is bound to; empty: to none."""


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One secret of the ring. Its ``repr`` does not show it."""

    id: int
    use: Use
    state: State
    since: datetime
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.use} {self.id}, {self.state})"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1] = 1
    keys: list[Key]


class KeyRing:
    """The node's long-lived secrets, read from ``<home>/keys/ring.json`` (mode 0600).

    Uses: ``kek`` seals columns, ``blind`` indexes them, ``log`` signs checkpoints, ``token`` access tokens,
    ``witness`` the checkpoints of other nodes, ``message`` answers to systems that sign. Each has one current key; a next one
    that others may already be told of; and retired ones that still open and verify.
    """

    def __init__(self, folder: Path, keys: Iterable[Key]) -> None:
        self.folder = folder
        self._looked = monotonic()
        self._hold(keys)
        missing = [use for use in USES if use not in self._current]
        if missing:
            raise Misconfigured(
                f"{folder / RING}: no current key for {', '.join(missing)}; restore the whole file from its backup."
            )

    def _hold(self, keys: Iterable[Key]) -> None:
        self._keys = {(key.use, key.id): key for key in keys}
        self._current = {key.use: key for key in self._keys.values() if key.state == "current"}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The ring in ``folder``; ``Misconfigured`` when it is missing, broken, or readable by others."""
        path = folder / RING
        try:
            mode = path.stat().st_mode & 0o777
            content = path.read_bytes()
        except FileNotFoundError:
            raise Misconfigured(_missing(path)) from None
        if mode & 0o077:
            raise Misconfigured(f"{path} may be read by others (mode {mode:04o}); run: chmod 600 {path}")
        try:
            return cls(folder, msgspec.json.decode(content, type=_File).keys)
        except msgspec.MsgspecError as error:
            raise Misconfigured(f"{path} is damaged ({error}); restore it from the backup of the keys.") from None

    @classmethod
    def create(cls, folder: Path, provider: Provider = STANDARD) -> Self:
        """A new ring in ``folder``; ``Conflict`` when one is there, since overwriting it would lose all sealed data."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = datetime.now(UTC)
        lasting: list[tuple[Use, State]] = [(use, "current") for use in USES]
        coming: list[tuple[Use, State]] = [(use, "next") for use in USES if use != "blind"]
        keys = [
            Key(id=number, use=use, state=state, since=now, secret=provider.new_private())
            for number, (use, state) in enumerate(lasting + coming, 1)
        ]
        ring = cls(folder, keys)
        ring._save(new=True)
        return ring

    def current(self, use: Use) -> Key:
        if monotonic() - self._looked > REFRESHED:
            self._refresh()
        return self._current[use]

    def _refresh(self) -> None:
        """Read the file again: another process may have rotated a key. What is held goes on where the file is away just now."""
        self._looked = monotonic()
        with suppress(Misconfigured, OSError):
            self._hold(KeyRing.open(self.folder)._keys.values())

    def key(self, use: Use, number: int) -> Key:
        """The key ``number`` in any state; ``NotAuthentic`` when the ring has no such key."""
        if (use, number) not in self._keys:
            self._refresh()
        try:
            return self._keys[use, number]
        except KeyError:
            raise NotAuthentic("The key {number} for {use} is not in this ring.", number=number, use=use) from None

    def all(self, use: Use) -> list[Key]:
        """Every key of a use: the current one, then the next, then the retired, newest first."""
        order: dict[State, int] = {"current": 0, "next": 1, "retired": 2}
        keys = [key for key in self._keys.values() if key.use == use]
        return sorted(keys, key=lambda key: (order[key.state], -key.id))

    def rotate(self, use: Use, provider: Provider = STANDARD) -> Key:
        """Retire the current key, put the next one in its place, make a new next one; returns the new current key.

        A blind-index key does not rotate: every index in every table would have to be rebuilt at once.
        """
        if use == "blind":
            raise Conflict("The key of the blind indexes cannot be rotated while indexes made with it are in use.")
        moved: dict[State, State] = {"current": "retired", "next": "current", "retired": "retired"}
        now = datetime.now(UTC)
        for key in self.all(use):
            since = key.since if key.state == "retired" else now
            self._keys[use, key.id] = msgspec.structs.replace(key, state=moved[key.state], since=since)
        number = max(key.id for key in self._keys.values()) + 1
        self._keys[use, number] = Key(id=number, use=use, state="next", since=now, secret=provider.new_private())
        self._current = {key.use: key for key in self._keys.values() if key.state == "current"}
        self._save()
        return self._current[use]

    def drop(self, use: Use, number: int) -> None:
        """Forget a retired key for good; what only it opens or verifies is lost, so current and next ones are kept."""
        if self.key(use, number).state != "retired":
            raise Conflict("Key {number} for {use} is still in use; rotate first.", number=number, use=use)
        del self._keys[use, number]
        self._save()

    def _save(self, *, new: bool = False) -> None:
        content = msgspec.json.format(msgspec.json.encode(_File(keys=list(self._keys.values()))), indent=1)
        try:
            write_whole(self.folder / RING, content, mode=0o600, new=new)
        except FileExistsError:
            raise Conflict("There is a key ring already; a new one would make everything sealed unreadable.") from None


def _missing(path: Path) -> str:
    return (
        f"{path} is missing. It holds the keys that seal personal data and sign the logs and tokens; without it sealed "
        f"columns cannot be read. Restore this file from the backup of the keys (it is not part of the database's backup), "
        f"mode 0600, owned by the account that runs the node."
    )


class Vault:
    """Seals values into columns, opens them there, and makes the index that finds them again."""

    def __init__(
        self, keys: KeyRing, provider: Provider = STANDARD, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._keys, self._provider, self._clock = keys, provider, clock
        self._batches = count(int.from_bytes(os.urandom(2), "big") * _SEALS_PER_DATA_KEY)
        self._data_key = lru_cache(4096)(self._derive_data_key)
        self._index_key = lru_cache(256)(self._derive_index_key)

    def seal(self, plaintext: bytes | str, *, table: str, column: str, row: UUID | str, division: str = "") -> bytes:
        """``plaintext`` encrypted for exactly this place."""
        now = self._clock()
        kek = self._keys.current("kek").id
        # Each process starts at a random batch and moves on: no data key ever sees enough values for nonces to meet.
        batch = next(self._batches) // _SEALS_PER_DATA_KEY & 0xFFFF
        header = _HEADER.pack(self._provider.suite, kek, now.year * 12 + now.month - 1, batch)
        key = self._data_key(header, table, division)
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        return header + self._provider.encrypt(key, data, _place(header, table, column, str(row), division))

    def open(self, sealed: bytes, *, table: str, column: str, row: UUID | str, division: str = "") -> bytes:
        """What was sealed for exactly this place; ``NotAuthentic`` when it was changed, moved, or its key is gone."""
        header = bytes(sealed[: _HEADER.size])
        if len(header) < _HEADER.size:
            raise NotAuthentic("A sealed value is cut short.")
        key = self._data_key(header, table, division)
        place = _place(header, table, column, str(row), division)
        return provider_of(header[0]).decrypt(key, bytes(sealed[_HEADER.size :]), place)

    def fresh(self, sealed: bytes) -> bool:
        """Whether a value is sealed with the current key and suite: any other is sealed anew before its key can be retired."""
        return bytes(sealed[: _PREFIX.size]) == self.prefix()

    def prefix(self) -> bytes:
        """How every value begins that is sealed today: suite and key."""
        return _PREFIX.pack(self._provider.suite, self._keys.current("kek").id)

    def blind(self, field: str, value: str) -> bytes:
        """16 bytes that are equal for equal values of ``field`` and tell nothing else without the key.

        Never for fields of few values (sex, district): the frequencies would tell. Values are compared as people do:
        full- and half-width, upper and lower case, and spaces make no difference.
        """
        return self._provider.mac(self._index_key(field), normalised(value).encode())[:16]

    def _derive_data_key(self, header: bytes, table: str, division: str) -> bytes:
        suite, kek, _, _ = _HEADER.unpack(header)
        secret = self._keys.key("kek", kek).secret
        return provider_of(suite).derive(secret, _place(b"column", header, table, division))

    def _derive_index_key(self, field: str) -> bytes:
        return self._provider.derive(self._keys.current("blind").secret, _place(b"blind", field))


def sealed_with(prefix: bytes) -> int:
    """The number of the key that a value beginning with ``prefix`` was sealed with."""
    number: int = _PREFIX.unpack(prefix)[1]
    return number


def normalised(value: str) -> str:
    """``value`` as a blind index compares it: NFKC, upper case, no white space."""
    if value.isascii():  # NFKC leaves it as it is
        return "".join(value.upper().split())
    bare = "".join(unicodedata.normalize("NFKC", value).upper().split())
    return unicodedata.normalize("NFKC", bare)  # marks that stood behind a space may now join the letter before it


def _place(*parts: bytes | str) -> bytes:
    """The parts, each after its length: no two different lists of parts give the same bytes."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)
