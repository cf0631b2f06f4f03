"""``services.cases`` keeps what every plugin keeps."""

from __future__ import annotations

from pathlib import Path

from gdbos.testing import PluginContract


class TestCases(PluginContract):
    name = "services.cases"
    extends = Path(__file__).parents[4] / "config" / "base.toml"
