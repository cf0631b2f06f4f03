"""``services.instant`` keeps what every plugin keeps."""

from __future__ import annotations

from pathlib import Path

from gdbos.testing import PluginContract


class TestInstant(PluginContract):
    name = "services.instant"
    extends = Path(__file__).parents[4] / "config" / "base.toml"
