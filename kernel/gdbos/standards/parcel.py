"""A pack as it travels: its files in one ZIP, and the note a node signs over them when it publishes.

The note (``publication.note``, a C2SP signed note) names the publisher, the pack and version, the day it begins to speak, and the
SHA-256 of every file. It lies among the pack's files, so whoever holds the folder can see that nothing was changed.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from gdbos.errors import Invalid, Problem, TooLarge
from gdbos.ledger.note import Note, Signer, Verifier

from .fault import Fault

NOTE = "publication.note"
MOST_BYTES = 64 << 20
MOST_FILES = 5000
_NAME = re.compile(r"(?:[0-9A-Za-z][0-9A-Za-z._\-]{0,99}/)?[0-9A-Za-z][0-9A-Za-z._\-]{0,149}\.(?:toml|csv)\Z")
_STAMP = (1980, 1, 1, 0, 0, 0)
"""ZIP's earliest moment: the same files make the same bytes whenever they are packed."""

Files = Mapping[str, bytes]
"""Path below the pack's folder → content."""


class Stated(msgspec.Struct, frozen=True):
    """What a note says."""

    publisher: str
    pack: str
    version: str
    since: date
    digests: dict[str, str]
    """Path → SHA-256 in hexadecimal."""

    @property
    def text(self) -> str:
        lines = [self.publisher, f"{self.pack} {self.version}", f"from {self.since}"]
        lines += [f"{digest}  {name}" for name, digest in sorted(self.digests.items())]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Stated:
        """:raises Invalid: it is not what a node writes."""
        try:
            publisher, named, since, *rest = text.splitlines()
            pack, version = named.split(" ")
            digests = {name: digest for digest, name in (line.split("  ") for line in rest)}
            return cls(publisher, pack, version, date.fromisoformat(since.removeprefix("from ")), digests)
        except ValueError:
            raise Invalid(
                "The publication note is not one that a node writes; leave it out or fetch the pack anew."
            ) from None


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a pack that lies in ``folder``, its note included."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name == NOTE or _NAME.match(name)}


def zipped(files: Files) -> bytes:
    """The files as one ZIP; the same files make the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    """The files of a pack that came as a ZIP, at its root or in one folder.

    :raises Invalid: it is no ZIP, or holds what no pack does. :raises TooLarge: more than a pack may weigh.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
                raise TooLarge(
                    "A pack has at most {files} files and {bytes} bytes.", files=MOST_FILES, bytes=MOST_BYTES
                )
            found = {one.filename: archive.read(one) for one in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise Invalid("This is not a ZIP of a standards pack that can be read.") from None
    return _at_root(found)


def _at_root(found: dict[str, bytes]) -> dict[str, bytes]:
    top = next((name.removesuffix("pack.toml") for name in sorted(found, key=len) if name.endswith("pack.toml")), None)
    if top is None or top.count("/") > 1:
        raise Invalid("There is no pack.toml in the ZIP: pack the folder that holds it.")
    files = {name.removeprefix(top): content for name, content in found.items()}
    if strange := sorted(name for name in files if name != NOTE and not _NAME.match(name)):
        raise Invalid("A pack holds .toml and .csv files in folders of its kinds; {name} is neither.", name=strange[0])
    return files


def digests(files: Files) -> dict[str, str]:
    """SHA-256 of each file but the note."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items()) if name != NOTE}


def digest(files: Files) -> str:
    """One SHA-256 for all the files: the same wherever and whenever they are packed."""
    lines = "".join(f"{one}  {name}\n" for name, one in digests(files).items())
    return hashlib.sha256(lines.encode()).hexdigest()


def signed(files: Files, pack: str, version: str, since: date, signer: Signer) -> dict[str, bytes]:
    """The files with a note of ``signer`` over them."""
    text = Stated(signer.name, pack, version, since, digests(files)).text
    return {**files, NOTE: str(Note(text, (signer.sign(text),))).encode()}


def signer_of(files: Files, trusted: Iterable[Verifier]) -> str:
    """Who signed the note among the files; empty where there is none.

    :raises Invalid: nobody trusted signed it, or the files are not those it names.
    """
    if NOTE not in files:
        return ""
    try:
        note = Note.parse(files[NOTE])
        stated = Stated.parse(note.text)
    except Problem as malformed:
        raise Invalid("The publication note cannot be read: {why}", why=malformed.message()) from None
    if not note.verified_by(trusted):
        raise Invalid(
            "The pack is signed by {name}, whom this node does not know: add its key to [standards] signers, or leave"
            " publication.note out.",
            name=note.signatures[0].name,
        )
    if changed := _changed(stated, digests(files)):
        raise Invalid("{name} is not as {signer} published it.", name=changed[0], signer=stated.publisher)
    return stated.publisher


def tampered(folder: Path, trusted: Sequence[Verifier]) -> list[Fault]:
    """What is no longer as the node published it in ``folder``; empty where everything is."""

    def fault(detail: str, file: str = NOTE) -> Fault:
        hint = f"delete {folder} to have it written anew from the database; publish a new version to change a rule"
        return Fault(rule="published", detail=detail, file=f"{folder.name}/{file}", pack=folder.parent.name, hint=hint)

    files = files_of(folder)
    try:
        note = Note.parse(files[NOTE])
        stated = Stated.parse(note.text)
    except (KeyError, Problem):
        return [fault("the note of its publication is missing or broken")]
    if not note.verified_by(trusted):
        return [fault("the note of its publication is not signed by this node")]
    return [
        fault(f"is not as version {stated.version} was published", name) for name in _changed(stated, digests(files))
    ]


def _changed(stated: Stated, found: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*stated.digests, *found} if stated.digests.get(name) != found.get(name))
