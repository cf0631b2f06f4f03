"""Static files, each under an address that changes with its content, so that browsers may keep it for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from gdbos.errors import Misconfigured

STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One static file, held in memory."""

    name: str
    digest: str
    media_type: str
    content: bytes

    @property
    def path(self) -> str:
        """Where the node serves it."""
        return f"/static/{self.digest}/{self.name}"


class Assets:
    """The static files of a folder."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._assets = {path.name: _read(path) for path in sorted(folder.iterdir()) if path.suffix in _MEDIA_TYPES}

    def url(self, name: str) -> str:
        """The address of ``name``, for templates: ``{{ asset("gdbos.css") }}``. Raises Misconfigured for an unknown name."""
        asset = self.find(name)
        if asset is None:
            raise Misconfigured(f"No static file is called {name!r}; there are {', '.join(self._assets)}.")
        return asset.path

    def find(self, name: str) -> Asset | None:
        """The file called ``name``."""
        return self._assets.get(name)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(name=path.name, digest=digest, media_type=_MEDIA_TYPES[path.suffix], content=content)
