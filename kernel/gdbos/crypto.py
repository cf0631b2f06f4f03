"""The one place where algorithms are chosen (密码服务提供者): callers say what they need, never with which algorithm.

``Standard`` is Ed25519, SHA-256, HMAC, HKDF and AES-256-GCM. A provider over SM2, SM3 and SM4 (GB/T 32918, 32905, 32907)
joins by being listed in ``PROVIDERS``: sealed values and signatures carry their suite, so old ones stay readable.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gdbos.errors import Misconfigured, Problem


class NotAuthentic(Problem):
    """A protected value was changed, moved to another place, or protected by a key this node does not hold."""

    code, title = "not-authentic", "A protected value does not open"


class Provider(Protocol):
    """What the kernel asks of cryptography. Keys are 32 bytes; private signing keys are their seeds."""

    name: str
    suite: int
    """One byte that sealed values start with."""

    def digest(self, data: bytes) -> bytes: ...

    def mac(self, key: bytes, data: bytes) -> bytes: ...

    def keyed(self, key: bytes) -> Callable[[bytes], bytes]:
        """``mac`` under one key, for several data."""
        ...

    def derive(self, key: bytes, context: bytes, length: int = 32) -> bytes:
        """A key of ``length`` bytes for ``context`` alone, from a key that is already uniformly random."""
        ...

    def encrypt(self, key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
        """Nonce and ciphertext, openable only together with ``bound_to``; the nonce is fresh each time."""
        ...

    def decrypt(self, key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """The plaintext, or ``NotAuthentic``."""
        ...

    def new_private(self) -> bytes: ...

    def public(self, private: bytes) -> bytes: ...

    def sign(self, private: bytes, message: bytes) -> bytes: ...

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool: ...


_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class Standard:
    """The international algorithms, over the ``cryptography`` library and hashlib (OpenSSL both)."""

    name = "standard"
    suite = 0x01
    _NONCE: Final = 12

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        # HMAC (RFC 2104) by hand: hmac.digest gives up Python's lock at every call, and beside a busy event loop waits for it
        # each time (measured: 68 µs instead of 2); hashlib keeps it for short data. Keys are 32 bytes, never hashed first.
        block = key.ljust(64, b"\0")
        inner = hashlib.sha256(block.translate(_INNER) + data).digest()
        return hashlib.sha256(block.translate(_OUTER) + inner).digest()

    def keyed(self, key: bytes) -> Callable[[bytes], bytes]:
        block = key.ljust(64, b"\0")
        within, around = hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))

        def mac(data: bytes) -> bytes:
            inner, outer = within.copy(), around.copy()  # the key's part of both is digested once
            inner.update(data)
            outer.update(inner.digest())
            return outer.digest()

        return mac

    def derive(self, key: bytes, context: bytes, length: int = 32) -> bytes:
        # RFC 5869 §3.3 lets Extract be left out for a uniform key; Expand over hmac costs a tenth of the HKDF object.
        made, block, counter = b"", b"", 0
        while len(made) < length:
            counter += 1
            block = self.mac(key, block + context + bytes([counter]))
            made += block
        return made[:length]

    def encrypt(self, key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(self._NONCE)
        return nonce + _aes(key).encrypt(nonce, plaintext, bound_to)

    def decrypt(self, key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        try:
            return _aes(key).decrypt(sealed[: self._NONCE], sealed[self._NONCE :], bound_to)
        except (InvalidTag, ValueError):
            raise NotAuthentic(
                "A sealed value does not open here: it was changed or moved, or its key is not."
            ) from None

    def new_private(self) -> bytes:
        return os.urandom(32)

    def public(self, private: bytes) -> bytes:
        return _signing(private).public_key().public_bytes_raw()

    def sign(self, private: bytes, message: bytes) -> bytes:
        return _signing(private).sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        try:
            _verifying(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


# Key objects cost more to build than to use; the bytes they are built from are in memory in any case.
@lru_cache(1024)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


@lru_cache(64)
def _signing(private: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(private)


@lru_cache(256)
def _verifying(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


STANDARD: Final[Provider] = Standard()
PROVIDERS: Final[dict[str, Provider]] = {STANDARD.name: STANDARD}


def provider(name: str = "standard") -> Provider:
    """The provider called ``name``; ``Misconfigured`` names those there are."""
    try:
        return PROVIDERS[name]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise Misconfigured(f"Crypto provider {name!r} is not installed; there is: {known}.") from None


def provider_of(suite: int) -> Provider:
    """The provider whose values start with the byte ``suite``; ``NotAuthentic`` where none does."""
    for candidate in PROVIDERS.values():
        if candidate.suite == suite:
            return candidate
    raise NotAuthentic("A sealed value names a suite of algorithms that is not installed here.")
