"""Plugins as the console lists them: installed, enabled, and what each enabled one brings."""

from __future__ import annotations

from typing import Any

import msgspec

from gdbos.kernel import Kernel
from gdbos.loading import installed
from gdbos.plugins_commands import brings


class PluginShown(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin. What is not enabled is not imported, so no more than its name and distribution is known."""

    name: str
    title: str
    """English message id; empty while it is not enabled."""
    enabled: bool
    distribution: str
    version: str
    brings: dict[str, Any]
    """What it declares, by kind; empty kinds left out."""


def plugins(kernel: Kernel) -> list[PluginShown]:
    """Every installed plugin by name."""
    enabled = {plugin.name: plugin for plugin in kernel.plugins}
    found = []
    for name, offers in installed().items():
        plugin = enabled.get(name)
        declared = brings(plugin) if plugin else {}
        found.append(
            PluginShown(
                name=name,
                title=plugin.title if plugin else "",
                enabled=plugin is not None,
                distribution=offers[0].distribution,
                version=offers[0].version,
                brings={kind: which for kind, which in declared.items() if which and isinstance(which, list)},
            )
        )
    return found
