"""Which plugins run, and why one is refused: one clear message each, exit code 2 on the command line."""

from __future__ import annotations

import importlib.metadata
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gdbos import Plugin, hookimpl
from gdbos.config import load as load_deployment
from gdbos.errors import Misconfigured
from gdbos.loading import Installed, load
from gdbos.secret import Secret


class Colour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    greeting: str = "hello"


@pytest.fixture
def make() -> Iterator[Any]:
    """Makes a module that declares a plugin and the installed entry that leads to it."""
    made: list[str] = []

    def module(
        name: str, *, distribution: str = "acme", hooks: Mapping[str, Any] | None = None, **declared: Any
    ) -> Installed:
        file = f"fake_{name.replace('.', '_')}_{distribution}"
        found = types.ModuleType(file)

        @hookimpl
        def describe() -> Plugin:
            return Plugin(name=name, title="Fake", **declared)

        vars(found).update({"describe": describe} | dict(hooks or {}))
        sys.modules[file] = found
        made.append(file)
        entry = importlib.metadata.EntryPoint(name, file, "gdbos.plugins")
        return Installed(name, distribution, "1", entry)

    yield module
    for file in made:
        del sys.modules[file]


def start(*plugins: Installed, enabled: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
    available: dict[str, list[Installed]] = {}
    for one in plugins:
        available.setdefault(one.name, []).append(one)
    chosen = enabled if enabled is not None else dict.fromkeys(available, {})  # noqa: RUF024
    return [one.plugin.name for one in load(chosen, "city.toml", available)]


def test_plugins_start_after_what_they_need(make: Any) -> None:
    assert start(make("a.b", needs=["a.c"]), make("a.c", needs=["a.d"]), make("a.d")) == ["a.d", "a.c", "a.b"]


def test_only_enabled_plugins_are_imported(make: Any) -> None:
    quiet = Installed("a.b", "acme", "1", importlib.metadata.EntryPoint("a.b", "no_such_module", "gdbos.plugins"))
    assert start(make("a.c"), quiet, enabled={"a.c": {}}) == ["a.c"]


@pytest.mark.parametrize(
    ("plugins", "enabled", "message"),
    [
        ([("a.hello", {})], {"a.helo": {}}, r'city\.toml.*plugins\.a\.helo.*Did you mean "a\.hello"'),
        (
            [("a.hello", {"config": Colour})],
            {"a.hello": {"greting": "x"}},
            r'plugins\.a\.hello\.greting.*did you mean "greeting"',
        ),
        (
            [("a.hello", {"config": Colour})],
            {"a.hello": {"greeting": 1}},
            r"plugins\.a\.hello\.greeting.*expected `str`",
        ),
        ([("a.hello", {})], {"a.hello": {"any": 1}}, r'unknown key "any"'),
        ([("a.hello", {"needs": ["a.base"]})], {"a.hello": {}}, r"needs a\.base; enable it"),
        (
            [("a.x", {"needs": ["a.y"]}), ("a.y", {"needs": ["a.x"]})],
            {"a.x": {}, "a.y": {}},
            r"circle: a\.[xy] → a\.[xy]",
        ),
        ([("a.hello", {"api": "9"})], {"a.hello": {}}, r'written for plugin interface "9"; this kernel offers "1"'),
    ],
    ids=["unknown plugin", "unknown key", "wrong type", "no settings", "missing need", "circle", "another interface"],
)
def test_refuses(make: Any, plugins: list[Any], enabled: Mapping[str, Mapping[str, Any]], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        start(*(make(name, **declared) for name, declared in plugins), enabled=enabled)


def test_refuses_two_distributions_that_bring_one_name(make: Any) -> None:
    with pytest.raises(Misconfigured, match=r"brought by acme .* and other .*uninstall one"):
        start(make("a.hello"), make("a.hello", distribution="other"))


def test_refuses_a_misspelt_hook(make: Any) -> None:
    @hookimpl
    def before_comit(unit: object) -> None: ...

    with pytest.raises(Misconfigured, match=r'no hook "before_comit".*"before_commit"'):
        start(make("a.hello", hooks={"before_comit": before_comit}))


def test_refuses_a_module_that_declares_another_name(make: Any) -> None:
    wrong = make("a.hello")
    sys.modules[wrong.entry.value].describe = hookimpl(lambda: Plugin(name="a.other", title="Fake"))  # type: ignore[attr-defined]
    with pytest.raises(Misconfigured, match=r"must return Plugin\(name='a\.hello'"):
        start(wrong)


# The deployment's own file.


def deployment(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder / "city.toml"


NODE = '[node]\nid = "n"\ntitle = { zh = "节点" }\ndivision = "450100"\nlevel = "city"\n'


def test_a_lower_file_changes_single_values_and_each_value_knows_its_origin(tmp_path: Path) -> None:
    path = deployment(
        tmp_path, base=f"{NODE}[http]\nport = 1\nhost = 'a'\n", city='extends = "base.toml"\n[http]\nport = 2\n'
    )
    found = load_deployment(path, {"GDBOS__HTTP__HOST": "b"})
    assert (found.settings.http.port, found.settings.http.host) == (2, "b")
    assert found.origins["http.port"].endswith("city.toml")
    assert found.origins["http.host"] == "environment GDBOS__HTTP__HOST"
    assert found.origins["node.id"].endswith("base.toml")


def test_short_variables_choose_port_and_home(tmp_path: Path) -> None:
    found = load_deployment(deployment(tmp_path, city=NODE), {"GDBOS_PORT": "9001", "GDBOS_HOME": "/srv/node"}).settings
    assert (found.http.port, str(found.home)) == (9001, "/srv/node")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NODE + "[htp]\nport = 1\n", r'city\.toml.*unknown key "htp"; did you mean "http"'),
        (NODE + "[http]\nprt = 1\n", r'http\.prt.*did you mean "port"'),
        (NODE + '[http]\nport = "x"\n', r"city\.toml: \[http\.port\] expected `int`"),
        ('extends = "city.toml"\n', "extends itself"),
        ("[node\n", "cannot be read as TOML"),
        (NODE.replace("city", "village"), r"\[node\.level\]"),
    ],
    ids=["section", "key", "type", "circle", "syntax", "level"],
)
def test_a_wrong_file_is_refused_by_name_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        load_deployment(deployment(tmp_path, city=text), {})


def test_a_secret_is_revealed_only_when_used_and_says_what_is_missing(tmp_path: Path) -> None:
    path = deployment(tmp_path, city=NODE + '[database]\nurl = { env = "NO_SUCH_URL" }\n')
    settings = load_deployment(path, {}).settings
    with pytest.raises(Misconfigured, match="NO_SUCH_URL"):
        settings.database_url()


def test_a_secret_is_a_file_of_its_folder_and_no_link_out_of_it(tmp_path: Path) -> None:
    mounted, drop = tmp_path / "mounted" / "..data", tmp_path / "drop"
    mounted.mkdir(parents=True)
    drop.mkdir()
    (mounted / "key").write_text("a key\n", "utf-8")
    (mounted.parent / "key").symlink_to("..data/key")
    (drop / "key").symlink_to(mounted / "key")
    (drop / "long").write_text("x" * 70_000, "utf-8")
    assert Secret(file=str(mounted.parent / "key")).reveal() == "a key"
    for name in ("key", "long", "none"):
        with pytest.raises(Misconfigured, match=name):
            Secret(file=str(drop / name)).reveal()
