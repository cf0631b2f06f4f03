"""Checks a proof file. Written from the texts alone: C2SP tlog-proof, tlog-checkpoint, signed-note; RFC 6962 §2.1.1, RFC 8032.

It shares no line with GDBOS and needs nothing of it: ``python spec_checker.py FILE VKEY``, exit code 0 when the record is proved.
"""

import base64
import hashlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def proved(content: bytes, vkey: str) -> bytes:
    """The record that the proof proves under the key; ValueError when it proves nothing."""
    head, _, note = content.decode("utf-8").partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ValueError("not a proof that carries its record")
    record = base64.b64decode(lines[1][6:], validate=True)
    index = int(lines[2][6:])
    size, root = checkpoint(note, vkey)
    path = [base64.b64decode(line, validate=True) for line in lines[3:]]
    if index >= size or climb(index, size, hashlib.sha256(b"\x00" + record).digest(), path) != root:
        raise ValueError("the record is not in the tree")
    return record


def climb(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 6962 §2.1.1 read backwards: split the tree as it says, from the top; the path's last hash is the uppermost."""
    if size == 1:
        if path:
            raise ValueError("the path is too long")
        return leaf
    if not path:
        raise ValueError("the path is too short")
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return hashlib.sha256(b"\x01" + climb(index, k, leaf, path[:-1]) + path[-1]).digest()
    return hashlib.sha256(b"\x01" + path[-1] + climb(index - k, size - k, leaf, path[:-1])).digest()


def checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if expected.hex() != key_id or material[0] != 1:
        raise ValueError("not an Ed25519 key")
    cut = note.rindex("\n\n")
    text, signatures = note[: cut + 1], note[cut + 2 :]
    origin, size, root = text.split("\n")[:3]
    if origin != name:
        raise ValueError("another log")
    for line in signatures.splitlines():
        dash, signer, value = line.split(" ")
        raw = base64.b64decode(value, validate=True)
        if dash == "—" and signer == name and raw[:4] == expected:
            try:
                Ed25519PublicKey.from_public_bytes(material[1:]).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise ValueError("the signature is wrong") from None
            return int(size), base64.b64decode(root, validate=True)
    raise ValueError("the log did not sign this")


if __name__ == "__main__":
    try:
        with open(sys.argv[1], "rb") as file:  # noqa: PTH123
            sys.stdout.buffer.write(proved(file.read(), sys.argv[2]))
    except (ValueError, IndexError) as fault:
        sys.exit(f"not proved: {fault}")
