"""The backup of a node as one file: a tar whose last member is a signed manifest that vouches for all the others.

database/…       the dump (:mod:`gdbos.storage.dump`)
files/aa/…       contents, sealed as they lie
ledger/<log>/…   the published log, whole up to one checkpoint
parts            a line per member before it: SHA-256, size, name
manifest         a signed note (C2SP signed-note): what was backed up, when, by which release, and the digest of ``parts``
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

from gdbos.errors import BadRequest
from gdbos.ledger.note import Malformed, Note, Signer, Verifier
from gdbos.storage.dump import Dumped

PARTS: Final = "parts"
MANIFEST: Final = "manifest"
_NAME: Final = re.compile(r"\A(?:database|files|ledger)(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+\Z")
_LINE: Final = re.compile(r"\A([0-9a-f]{64}) (0|[1-9][0-9]*) (.+)\Z")
_CHUNK: Final = 1 << 20


class Damaged(BadRequest):
    """A backup that is not what was written, or not all of it. Nothing was restored."""

    code, title = "backup-damaged", "The backup is damaged"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds."""

    v: Literal[1] = 1
    made_at: datetime
    release: str
    node: str
    division: str
    config: str
    """Where the deployment's file lay; it is no part of the backup."""
    database: Dumped
    ledger: dict[str, int]
    """Log → records in its published checkpoint. A node restored to fewer than a witness has seen must not go on."""
    parts: int
    size: int
    """Bytes of all parts together."""
    digest: str
    """SHA-256 of ``parts``."""

    def signed(self, signer: Signer) -> bytes:
        text = msgspec.json.encode(self).decode() + "\n"
        return str(Note(text, (signer.sign(text),))).encode()


class Part(msgspec.Struct, frozen=True):
    """One member: its name, size in bytes and SHA-256."""

    name: str
    size: int
    digest: str


class Writer:
    """Writes members into the tar at ``path`` and remembers what they were."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=False)
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  closed by close()
        self._listed = bytearray()
        self.count = self.size = 0

    def add(self, name: str, content: bytes) -> None:
        self._put(name, BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> bool:
        """Add the file at ``path``; whether it was still there."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            self._put(name, file, os.fstat(file.fileno()).st_size)
        return True

    def close(self, manifest: bytes) -> None:
        """Write the list of parts and ``manifest``, and end the tar."""
        for name, content in ((PARTS, bytes(self._listed)), (MANIFEST, manifest)):
            self._tar.addfile(_member(name, len(content)), BytesIO(content))
        self._tar.close()

    def abandon(self) -> None:
        self._tar.close()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self._listed).hexdigest()

    def _put(self, name: str, file: IO[bytes], size: int) -> None:
        reading = _Hashing(file)
        self._tar.addfile(_member(name, size), reading)
        self._listed += f"{reading.digest} {size} {name}\n".encode()
        self.count, self.size = self.count + 1, self.size + size


class Reader:
    """Reads a backup; nothing in it is believed before :meth:`manifest` and :meth:`check` have passed."""

    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115  closed by close()
            self._members = self._tar.getmembers()
        except (tarfile.TarError, OSError) as failure:
            raise Damaged("{path} cannot be read as a backup ({why}).", path=path, why=type(failure).__name__) from None
        self._by_name = {member.name: member for member in self._members}

    def manifest(self, trusted: list[Verifier]) -> Manifest:
        """The manifest. :raises Damaged: none of ``trusted`` signed it, or there is none."""
        try:
            note = Note.parse(self.content(MANIFEST))
            manifest = msgspec.json.decode(note.text, type=Manifest)
        except (Malformed, msgspec.MsgspecError, UnicodeDecodeError):
            raise Damaged("The manifest of the backup cannot be read.") from None
        if not note.verified_by(trusted):
            raise Damaged("The manifest was not signed with a log key of the keys given; are they this node's?")
        return manifest

    def parts(self, manifest: Manifest) -> list[Part]:
        """Every member the manifest vouches for, in the order of the tar. :raises Damaged: the list is another."""
        listed = self.content(PARTS)
        if hashlib.sha256(listed).hexdigest() != manifest.digest:
            raise Damaged("The list of the backup's parts is not the one that was signed.")
        found = []
        for line in listed.decode().splitlines():
            match = _LINE.match(line)
            if not match or not _NAME.match(match[3]):
                raise Damaged("The list of the backup's parts holds a line that names no part.")
            found.append(Part(match[3], int(match[2]), match[1]))
        if [part.name for part in found] + [PARTS, MANIFEST] != [member.name for member in self._members]:
            raise Damaged("The backup holds other parts than were signed, or not all of them.")
        return found

    def check(self, part: Part) -> None:
        """:raises Damaged: the member is not what was written."""
        for _ in self._read(part):
            pass

    def extract(self, part: Part, target: Path) -> None:
        """Write the member to ``target``, mode 0600. :raises Damaged: it is not what was written."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            for chunk in self._read(part):
                file.write(chunk)

    def content(self, name: str) -> bytes:
        """A small member whole. :raises Damaged: there is none."""
        member = self._by_name.get(name)
        file = self._tar.extractfile(member) if member is not None and member.isreg() else None
        if file is None:
            raise Damaged("The backup has no {name}: it was cut off, or is something else.", name=name)
        return file.read()

    def close(self) -> None:
        self._tar.close()

    def _read(self, part: Part) -> Iterator[bytes]:
        member = self._by_name[part.name]
        file = self._tar.extractfile(member) if member.isreg() and member.size == part.size else None
        if file is None:
            raise Damaged("{name} is not the part that was written.", name=part.name)
        hashed = hashlib.sha256()
        try:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
                yield chunk
        except tarfile.ReadError:
            raise Damaged("The backup is cut off in {name}.", name=part.name) from None
        if hashed.hexdigest() != part.digest:
            raise Damaged("{name} is not what was written.", name=part.name)


class _Hashing:
    """A file that is hashed as the tar reads it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self._hash.update(part)
        return part

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member
