"""Signed notes and checkpoints as C2SP signed-note, tlog-checkpoint and tlog-cosignature write them.

A note is text and, after an empty line, signature lines ``— name base64(key id ‖ signature)``. A checkpoint is a note whose text is
a log's origin, its size and its root. Parsing is strict: bytes that this module would not write itself are refused.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from typing import Final, Self

import msgspec

from gdbos.crypto import STANDARD, Provider
from gdbos.errors import BadRequest
from gdbos.ledger.merkle import EMPTY_ROOT, HASH_SIZE

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
MAX_NOTE: Final = 1 << 20
MAX_SIGNATURES: Final = 64

_NUMBER = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_PUBLIC_KEY_SIZE: Final = 32


class Malformed(BadRequest):
    """Bytes that are no signed note, checkpoint, key, policy or proof of the C2SP formats."""

    code, title = "malformed-note", "Not a well-formed note"


class Signature(msgspec.Struct, frozen=True):
    """One signature line: who signed, with which key, and what they wrote."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"— {self.name} {to_base64(self.key_id + self.value)}\n"


class Verifier(msgspec.Struct, frozen=True):
    """A public key under its name, for plain signatures (a log's) or for cosignatures (a witness's)."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.algorithm, self.public)

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.algorithm]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The verifier that the text ``name+keyid+base64`` stands for, or ``Malformed``."""
        name, _, rest = vkey.partition("+")
        written_id, _, encoded = rest.partition("+")
        material = from_base64(encoded)
        if not _is_name(name) or len(material) != 1 + _PUBLIC_KEY_SIZE or material[0] not in (ED25519, COSIGNATURE):
            raise Malformed("A verifier key is name+id+key, with an Ed25519 key of type 1 or 4.")
        verifier = cls(name, material[1:], material[0])
        if verifier.key_id.hex() != written_id:
            raise Malformed("The verifier key's id does not belong to its name and key.")
        return verifier

    def verifies(self, text: str, signature: Signature, provider: Provider = STANDARD) -> bool:
        """Whether this key made ``signature`` over ``text``."""
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            return False
        if self.algorithm == ED25519:
            return provider.verify(self.public, text.encode(), signature.value)
        stamp, value = signature.value[:8], signature.value[8:]
        return len(stamp) == 8 and provider.verify(self.public, _cosigned(text, int.from_bytes(stamp, "big")), value)


class Signer(msgspec.Struct, frozen=True):
    """A private key under its name. A log's name is its origin."""

    name: str
    private: bytes
    algorithm: int = ED25519
    provider: Provider = STANDARD

    def __repr__(self) -> str:
        return f"Signer({self.name})"

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.provider.public(self.private), self.algorithm)

    @property
    def skey(self) -> str:
        """The private key as text, ``PRIVATE+KEY+name+keyid+base64``."""
        return (
            f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{to_base64(bytes([self.algorithm]) + self.private)}"
        )

    @classmethod
    def parse(cls, skey: str) -> Self:
        """The signer that ``skey`` stands for, or ``Malformed`` (which never repeats it)."""
        if not skey.startswith("PRIVATE+KEY+") or skey.count("+") < 4:
            raise Malformed("A signer key is PRIVATE+KEY+name+id+key.")
        name, written_id, encoded = skey.removeprefix("PRIVATE+KEY+").split("+", 2)
        material = from_base64(encoded)
        if not _is_name(name) or len(material) != 33 or material[0] not in (ED25519, COSIGNATURE):
            raise Malformed("A signer key is PRIVATE+KEY+name+id+key, with an Ed25519 seed of type 1 or 4.")
        signer = cls(name, material[1:], material[0])
        if signer.verifier.key_id.hex() != written_id:
            raise Malformed("The signer key's id does not belong to its name and key.")
        return signer

    def sign(self, text: str) -> Signature:
        return Signature(self.name, self.verifier.key_id, self.provider.sign(self.private, text.encode()))

    def cosign(self, text: str, at: int) -> Signature:
        """A witness's statement that at ``at`` (POSIX seconds) this was the largest tree it had seen."""
        value = at.to_bytes(8, "big") + self.provider.sign(self.private, _cosigned(text, at))
        return Signature(self.name, self.verifier.key_id, value)


class Note(msgspec.Struct, frozen=True):
    """Text and the signatures under it; worth nothing until a trusted key has verified one."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    @classmethod
    def parse(cls, content: bytes | str) -> Self:
        """The note in ``content``, or ``Malformed``."""
        whole = _text(content)
        text, gap, tail = whole.rpartition("\n\n")
        if not gap or not tail.endswith("\n") or not text:
            raise Malformed("A note is text, an empty line, and at least one signature line.")
        signatures = tuple(_signature(line) for line in tail[:-1].split("\n"))
        if len(signatures) > MAX_SIGNATURES or len(set(signatures)) < len(signatures):
            raise Malformed("A note here carries at most {most} signatures, each once.", most=MAX_SIGNATURES)
        return cls(text + "\n", signatures)

    def verified_by(self, trusted: Iterable[Verifier]) -> list[Verifier]:
        """Those of ``trusted`` that signed; ``[]`` also when a line under a trusted key does not verify.

        A line with a trusted name and key id that fails discredits the whole note (signed-note, "Signatures").
        """
        good: list[Verifier] = []
        for verifier in trusted:
            lines = [s for s in self.signatures if (s.name, s.key_id) == (verifier.name, verifier.key_id)]
            if not all(verifier.verifies(self.text, line) for line in lines):
                return []
            if lines:
                good.append(verifier)
        return good

    def signed_also(self, *signatures: Signature) -> Note:
        return Note(self.text, self.signatures + signatures)


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's promise: this many records, and this root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, to_base64(self.root), *self.extensions))

    def signed(self, *signers: Signer) -> Note:
        return Note(self.text, tuple(signer.sign(self.text) for signer in signers))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint in a note's text, or ``Malformed``."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines):
            raise Malformed("A checkpoint is the lines origin, size and root, each ended by a newline.")
        root = from_base64(lines[2])
        if len(root) != HASH_SIZE:
            raise Malformed("A checkpoint's root is 32 bytes in base64.")
        size = number(lines[1])
        if size == 0 and root != EMPTY_ROOT:
            raise Malformed("The empty tree has another root.")
        return cls(lines[0], size, root, tuple(lines[3:]))


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The four bytes that name a key on a signature line (signed-note, "Signatures")."""
    return STANDARD.digest(name.encode() + b"\n" + bytes([algorithm]) + public)[:4]


def to_base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def from_base64(text: str) -> bytes:
    """RFC 4648 §4 with padding and zero trailing bits, or ``Malformed``: one spelling per value."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise Malformed("This is not base64.") from None
    if to_base64(data) != text:
        raise Malformed("This base64 is not written the one standard way.")
    return data


def number(text: str) -> int:
    """A decimal without sign or leading zeros, below 2^63, or ``Malformed``."""
    if not _NUMBER.match(text) or int(text) >= 1 << 63:
        raise Malformed("A size or index is a decimal number without leading zeros.")
    return int(text)


def _text(content: bytes | str) -> str:
    if len(content) > MAX_NOTE:
        raise Malformed("A note here has at most {most} bytes.", most=MAX_NOTE)
    try:
        whole = content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        raise Malformed("A note is UTF-8.") from None
    if _CONTROL.search(whole):
        raise Malformed("A note has no control characters beside newline.")
    return whole


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _is_name(parts[1]):
        raise Malformed("A signature line is an em dash, a name and base64, with single spaces.")
    value = from_base64(parts[2])
    if len(value) < 5:
        raise Malformed("A signature line carries a four-byte key id and a signature.")
    return Signature(parts[1], value[:4], value[4:])


def _is_name(name: str) -> bool:
    return bool(name) and not any(c == "+" or c.isspace() or "\ud800" <= c <= "\udfff" for c in name)


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
