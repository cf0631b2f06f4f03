"""Which plugins run: found by entry point, enabled by configuration, refused with a reason."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from types import ModuleType
from typing import Any

import msgspec
import pluggy

from gdbos import hooks
from gdbos.errors import Misconfigured
from gdbos.plugin import API, Plugin
from gdbos.strict import Fault, decode, nearest

GROUP = "gdbos.plugins"


class Installed(msgspec.Struct, frozen=True):
    """A plugin that some distribution brings; installed is not enabled."""

    name: str
    distribution: str
    version: str
    entry: importlib.metadata.EntryPoint


class Loaded(msgspec.Struct, frozen=True):
    """An enabled plugin: what it declares, its module, and its decoded settings."""

    plugin: Plugin
    module: ModuleType
    settings: msgspec.Struct | None
    version: str


def installed() -> dict[str, list[Installed]]:
    """Every plugin in the environment by name; more than one under a name is a clash."""
    found: dict[str, dict[tuple[str, str], Installed]] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        distribution = entry.dist.name if entry.dist else "unknown"
        version = entry.dist.version if entry.dist else ""
        found.setdefault(entry.name, {})[distribution, entry.value] = Installed(
            entry.name, distribution, version, entry
        )
    return {name: list(ones.values()) for name, ones in sorted(found.items())}


def load(
    enabled: Mapping[str, Mapping[str, Any]], source: str, available: Mapping[str, list[Installed]]
) -> list[Loaded]:
    """Import the enabled plugins and decode their settings; in an order in which each follows what it needs.

    :param enabled: plugin name → its table in the deployment.
    :param source: the deployment file, for messages.
    :raises Misconfigured: unknown plugin, two distributions under one name, unknown key, missing or circular needs, wrong API.
    """
    loaded = {name: _one(name, table, source, available) for name, table in enabled.items()}
    _refuse_missing(loaded, source)
    return [loaded[name] for name in _order(loaded, source)]


def _one(name: str, table: Mapping[str, Any], source: str, available: Mapping[str, list[Installed]]) -> Loaded:
    offers = available.get(name, [])
    if not offers:
        raise Misconfigured(
            f"{source}: [plugins.{name}] no installed distribution brings this plugin.{nearest(name, available)}"
        )
    if len(offers) > 1:
        owners = " and ".join(sorted(f"{o.distribution} ({o.entry.value})" for o in offers))
        raise Misconfigured(f"{source}: [plugins.{name}] is brought by {owners}; uninstall one of them")
    try:
        module = offers[0].entry.load()
    except Exception as failure:
        raise Misconfigured(
            f"{source}: [plugins.{name}] cannot be imported from {offers[0].entry.value}: {type(failure).__name__}: {failure}"
        ) from failure
    plugin = described(name, module)
    if plugin.api != API:
        raise Misconfigured(
            f'{source}: [plugins.{name}] is written for plugin interface "{plugin.api}"; this kernel offers "{API}".'
            f" Install a release of {offers[0].distribution} for it"
        )
    return Loaded(plugin, module, _settings(plugin, table, source), offers[0].version)


def described(name: str, module: ModuleType) -> Plugin:
    """What ``module`` declares. :raises Misconfigured: no ``describe()``, misspelt hooks, or another name than the entry point's."""
    manager = manage([(name, module)])
    calls = manager.hook.describe.get_hookimpls()
    if not calls:
        raise Misconfigured(f"plugin {name}: {module.__name__} has no @hookimpl def describe() -> Plugin")
    plugin = calls[0].function()
    if not isinstance(plugin, Plugin) or plugin.name != name:
        raise Misconfigured(f"plugin {name}: describe() must return Plugin(name={name!r}, …)")
    return plugin


def manage(modules: Iterable[tuple[str, ModuleType]]) -> pluggy.PluginManager:
    """A plugin manager with ``modules`` registered and every hook known. :raises Misconfigured: a hook that does not exist."""
    manager = pluggy.PluginManager("gdbos")
    manager.add_hookspecs(hooks)
    for name, module in modules:
        manager.register(module, name)
        known = {hook for hook in vars(hooks) if not hook.startswith("_")}
        for hook in (h for h in dir(module) if hasattr(getattr(module, h), "gdbos_impl")):
            if hook not in known:
                raise Misconfigured(f'plugin {name}: there is no hook "{hook}".{nearest(hook, list(known))}')
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as failure:
        raise Misconfigured(f"plugin {manager.get_name(failure.plugin)}: {failure}") from failure
    return manager


def _settings(plugin: Plugin, table: Mapping[str, Any], source: str) -> msgspec.Struct | None:
    kind = plugin.config or _NoSettings
    settings = decode(kind, dict(table), at=f"plugins.{plugin.name}")
    if isinstance(settings, Fault):
        raise Misconfigured(f"{source}: [{settings.path}] {settings.detail}")
    return settings if plugin.config else None


class _NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


def _refuse_missing(loaded: Mapping[str, Loaded], source: str) -> None:
    for name, one in loaded.items():
        for needed in one.plugin.needs:
            if needed not in loaded:
                raise Misconfigured(
                    f"{source}: [plugins.{name}] needs {needed}; enable it by adding [plugins.{needed}]"
                )


def _order(loaded: Mapping[str, Loaded], source: str) -> list[str]:
    try:
        return list(TopologicalSorter({name: one.plugin.needs for name, one in loaded.items()}).static_order())
    except CycleError as failure:
        raise Misconfigured(
            f"{source}: plugins need each other in a circle: {' → '.join(failure.args[1])}"
        ) from failure
