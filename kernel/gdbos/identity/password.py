"""Passwords: what makes one acceptable, and hashing that never blocks the node."""

from __future__ import annotations

import asyncio
import gzip
import os
import secrets
import string
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gdbos.config import Passwords
from gdbos.errors import Invalid, Unavailable, Violation
from gdbos.text import N_

T = TypeVar("T")

LONGEST = 1024
"""Characters that are hashed at most."""
QUEUED = 64
"""Hashes that may wait per core, about a second's and a half of work, before further log-ins are told to come back."""
_ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's parameters for argon2id (19 MiB, 2 passes, 1 lane): about 20 ms."""

_LIST: Final = Path(__file__).parent / "common_passwords.txt.gz"
"""What is tried first, case folded: the 30,000 most frequent passwords of zxcvbn 4.5.0 (common_passwords.LICENSE) and some of ours."""
_AROUND: Final = string.digits + string.punctuation + " "


def normal(password: str) -> str:
    """The form that is hashed: the same however a keyboard composed its characters (NFC)."""
    return unicodedata.normalize("NFC", password)


def refuse_weak(password: str, login: str, rules: Passwords) -> None:
    """Length is what counts; there are no composition rules (NIST SP 800-63B; ASVS 5.0, 6.2), but for the profile ``djbh``.

    :raises Invalid: too short, too long, too few kinds of characters, the account's own name, or one that everybody tries first.
    """
    bare = normal(password)
    folded = bare.casefold()
    facts = {"min_length": rules.min_length, "longest": LONGEST, "kinds": rules.kinds}
    if len(bare) < rules.min_length:
        raise _refused(
            "length", N_("A password needs at least {min_length} characters; a sentence is easy to keep."), facts
        )
    if len(bare) > LONGEST:
        raise _refused("length", N_("A password has at most {longest} characters."), facts)
    if rules.profile == "djbh" and _kinds(bare) < rules.kinds:
        detail = N_("A password needs {kinds} of these kinds: capitals, small letters, digits, other characters.")
        raise _refused("kinds", detail, facts)
    if login and folded.replace(login, "", 1).strip("0123456789") == "":
        raise _refused("own-name", N_("A password must not be made of the account's own name."), facts)
    if _common(folded) or len(set(folded)) < 4:
        raise _refused("common", N_("This password is among the first that are tried; choose another."), facts)


@cache
def _tried_first() -> frozenset[str]:
    return frozenset(gzip.decompress(_LIST.read_bytes()).decode().splitlines())


def _common(folded: str) -> bool:
    """Whether it is tried first: as it is, repeated, or with digits and marks around it to make it long."""
    known, bare = _tried_first(), folded.strip(_AROUND)
    once = (bare[:n] for n in range(1, len(bare) + 1) if len(bare) % n == 0 and bare == bare[:n] * (len(bare) // n))
    return folded in known or any(one in known for one in once)


def expired(since: datetime, rules: Passwords, now: datetime) -> bool:
    """Whether a password set ``since`` is too old to log in with."""
    return rules.profile == "djbh" and now - since > timedelta(days=rules.max_days)


def _kinds(password: str) -> int:
    of = (str.isupper, str.islower, str.isdigit, lambda one: not one.isalnum())
    return sum(any(kind(one) for one in password) for kind in of)


def _refused(rule: str, detail: str, facts: dict[str, Any]) -> Invalid:
    return Invalid(detail, violations=[Violation("$.password", rule, detail, facts=facts)], **facts)


def hashed(password: str) -> str:
    """The argon2id hash of a password, salted. Takes about 20 ms of a core."""
    return _ARGON2.hash(normal(password))


def matches(password_hash: str, password: str) -> bool:
    """Whether the password has this hash; a hash that cannot be read matches nothing."""
    try:
        return _ARGON2.verify(password_hash, normal(password)[: LONGEST + 1])
    except (Argon2Error, InvalidHashError):
        return False


def generated() -> str:
    """A password nobody has to think of: 120 bits."""
    return secrets.token_urlsafe(15)


class Hashing:
    """Hashes on as many threads as there are cores: log-ins wait for one another and never stop the node."""

    def __init__(self, threads: int | None = None) -> None:
        count = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="argon2")
        self._room = QUEUED * count
        self._nobody = hashed(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """The hash of ``password``. :raises Unavailable: too many are waiting."""
        return await self._run(lambda: hashed(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it matches; without a hash the same work is done in vain, so that time tells nothing."""
        matched = await self._run(lambda: matches(password_hash or self._nobody, password))
        return matched and password_hash is not None

    def close(self) -> None:
        self._pool.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise Unavailable("Many people are logging in just now; try again in a moment.", retry_after=2)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1
