"""What the repository promises of itself: the SDK's names, the errors' page, who hands out which permission, what README shows."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import click
import pytest
from sqlalchemy import LargeBinary

import gdbos
from gdbos.bus.permissions import PERMISSIONS as BUS
from gdbos.cli import _mount, program
from gdbos.console.permissions import PERMISSIONS as CONSOLE
from gdbos.errors import Problem
from gdbos.files.permissions import PERMISSIONS as FILES
from gdbos.hooks import hookspec
from gdbos.identity.permission import PERMISSIONS as IDENTITY
from gdbos.loading import described, installed
from gdbos.plugin import Permission
from gdbos.storage.migrate import lineages

ROOT = Path(__file__).parents[2]
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))

SDK = [
    "ANONYMOUS",
    "Acceptance",
    "Actor",
    "BadRequest",
    "Basis",
    "Bus",
    "Calendar",
    "Check",
    "CodeList",
    "Conflict",
    "Consumption",
    "Context",
    "Correction",
    "Deadline",
    "Disclosed",
    "Document",
    "Due",
    "Element",
    "Event",
    "Extension",
    "Forbidden",
    "Frame",
    "Gone",
    "Grant",
    "Instant",
    "Invalid",
    "Item",
    "Job",
    "KNOWN",
    "Kind",
    "Link",
    "Misconfigured",
    "N_",
    "NavigationEntry",
    "NewFile",
    "NoBasis",
    "NoGrant",
    "NotFound",
    "NotPublished",
    "Offer",
    "Offered",
    "PUBLIC",
    "Page",
    "Permission",
    "Plugin",
    "Problem",
    "ProviderFailed",
    "ProviderTimeout",
    "Question",
    "Record",
    "Reply",
    "Run",
    "Scope",
    "Sealed",
    "Secret",
    "Settings",
    "Standards",
    "Suspension",
    "Text",
    "TooLarge",
    "TooMany",
    "Trust",
    "Unauthenticated",
    "Unavailable",
    "Unit",
    "Unsupported",
    "Violation",
    "Wrong",
    "accepted_on",
    "attach",
    "body_names",
    "covers",
    "decide_grant",
    "decoded",
    "draft_grant",
    "due",
    "emit",
    "enterprise_key",
    "filled",
    "hookimpl",
    "keep",
    "lift_notice",
    "new_grant",
    "new_id",
    "on",
    "person_key",
    "post_notice",
    "refuse_untrusted",
    "revoke_grant",
    "say_updates",
    "subject_key",
    "wrong_of",
    "Person",
    "found_enterprise",
]
"""What plugins may import. A name that is added here is a promise; one that is taken away breaks somebody."""


def test_the_sdk_is_exactly_what_is_promised() -> None:
    assert sorted(gdbos.__all__) == sorted(SDK)
    assert all(hasattr(gdbos, name) for name in gdbos.__all__)


def test_plugins_leave_committing_to_the_edges() -> None:
    wrong = [str(path) for path in PLUGINS if re.search(r"\.(commit|rollback)\(", path.read_text("utf-8"))]
    ours = [path for path in wrong if "/gdbos_scenarios/departments/" not in path]  # other people's systems, played
    assert ours == []


def every(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every(below)


def test_every_error_is_on_the_errors_page() -> None:
    for root in ("gdbos", "gdbos_services", "gdbos_governance", "gdbos_enablement"):
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, f"{root}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    shipped = {kind for kind in every(Problem) if kind.__module__.startswith("gdbos")}
    assert [k.code for k in shipped if f"| {k.status} | `{k.code}` | {k.title} |" not in page] == []


def shipped_plugins() -> list[gdbos.Plugin]:
    names = [
        name for name in installed() if name.partition(".")[0] in ("services", "governance", "enablement", "scenarios")
    ]
    return [described(name, installed()[name][0].entry.load()) for name in names]


def test_every_permission_is_in_a_role_that_ships() -> None:
    roles = [tomllib.loads(path.read_text("utf-8")) for path in (ROOT / "standards").glob("*/roles/*.toml")]
    held = {name for role in roles for name in role["permissions"]}
    declared: list[Permission] = [
        *BUS,
        *CONSOLE,
        *FILES,
        *IDENTITY,
        *(p for plugin in shipped_plugins() for p in plugin.permissions),
    ]
    homeless = [p.name for p in declared if not any(fnmatch(p.name, pattern) for pattern in held)]
    assert sorted(set(homeless)) == []


def test_every_hook_is_used_by_a_plugin_that_ships_or_an_example() -> None:
    hooks = importlib.import_module("gdbos.hooks")
    declared = [name for name, value in vars(hooks).items() if hasattr(value, f"{hookspec.project_name}_spec")]
    written = "\n".join(path.read_text("utf-8") for path in PLUGINS)
    assert declared
    assert [name for name in declared if f"def {name}(" not in written] == []


def test_readme_shows_what_there_is() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(re.search(rf"^{target}: ", makefile, re.M) for target in re.findall(r"^    make (\w+)", readme, re.M))
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_every_command_a_page_shows_is_there(page: str) -> None:
    """``gdbos ledger verify``, not ``gdbos verify ledger``: each word leads to a group or a command that exists."""
    _mount()
    context = click.Context(program)
    missing = []
    for shown in re.findall(r"`gdbos ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", (ROOT / page).read_text("utf-8")):
        group: click.Command | None = program
        for word in shown.split():
            if not isinstance(group, click.Group):
                break  # an argument
            group = group.get_command(context, word)
        if group is None:
            missing.append(shown)
    assert missing == []


def test_the_plugin_in_thirty_lines_is_a_plugin() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code = readme.split("```python\n", 1)[1].split("```", 1)[0]
    found: dict[str, object] = {"__name__": "readme_hello"}
    exec(compile(code, "README.md", "exec"), found)
    plugin = found["describe"]()  # type: ignore[operator]
    assert (plugin.name, [p.name for p in plugin.permissions]) == ("acme.hello", ["acme.hello.greet"])


PLAIN = {
    "bus_outbox.body",
    "bus_outbox.chain",
    "bus_repeat.asked",
    "bus_repeat.reply",  # sealed, and gone before a rotated key may be retired
    "bus_service.definition",
    "catalogue_resource.entry",
    "catalogue_publication.entry",
}
"""Columns of bytes that hold nobody's data for long; digests of at most 32 bytes and the tables of the ledger and the standards are others."""


def test_every_column_of_bytes_is_sealed_or_known_to_hold_nobodys_data() -> None:
    """What a column does not declare as sealed, ``gdbos key reseal`` does not find: it would be lost with its key."""
    for one in lineages(shipped_plugins()):
        for table in one.tables.sorted_tables:
            for column in table.columns:
                short = isinstance(column.type, LargeBinary) and (column.type.length or 99) <= 32
                if isinstance(column.type, LargeBinary) and not short and "sealed" not in column.info:
                    name = f"{table.name}.{column.name}"
                    assert name in PLAIN or table.name.startswith(("ledger_", "standards_")), name
