"""Secrets by reference: configuration and packs name where a secret lies, never the secret."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from gdbos.errors import Misconfigured

MOST_OF_A_SECRET = 65_536
"""Bytes; a certificate with its chain has a tenth."""


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret by reference; the configuration never holds the secret itself."""

    env: str = ""
    file: str = ""

    def reveal(self) -> str:
        """The secret. :raises Misconfigured: the variable or file is not there."""
        if bool(self.env) == bool(self.file):
            raise Misconfigured('a secret is given by { env = "NAME" } or by { file = "path" }')
        if self.env:
            value = os.environ.get(self.env)
            if value is None:
                raise Misconfigured(
                    f"the environment variable {self.env}, which the configuration refers to, is not set"
                )
            return value
        try:
            return _secret_in(Path(self.file))
        except (OSError, ValueError) as failure:
            raise Misconfigured(f"the secret file {self.file} cannot be read: {failure}") from failure


def _secret_in(path: Path) -> str:
    """The secret in a file. A link may lead elsewhere in its folder, as mounted secrets do, and nowhere else."""
    found = path.resolve(strict=True)
    if not found.is_relative_to(path.parent.resolve()) or not found.is_file():
        raise ValueError("it is no file of its folder")
    if found.stat().st_size > MOST_OF_A_SECRET:
        raise ValueError(f"it has more than {MOST_OF_A_SECRET:,} bytes")
    return found.read_text("utf-8").strip()
