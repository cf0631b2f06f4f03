"""Licences keep what every plugin keeps."""

from __future__ import annotations

from gdbos.testing import PluginContract


class TestLicences(PluginContract):
    name = "services.licences"
