"""One program, four levels: every configuration starts and is well, and what cannot run says why in one sentence on the real
command line.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from served import command

from gdbos.config import load
from gdbos.shipped import shipped
from gdbos.testing import serving

LEVELS = ("county", "city", "province", "ministry")
MATTER = "enterprise.registration"


# Starting.


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_starts_and_the_doctor_finds_nothing_wrong(level: str, tmp_path: Path) -> None:
    config = written(tmp_path, level)
    with serving(load(config, {})) as site:
        assert site.client.get("/health/ready").status_code == 200
        assert site.client.get("/").status_code < 500
    ran = command(config, "doctor", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    findings = json.loads(ran.stdout)
    findings = findings if isinstance(findings, list) else findings["findings"]
    assert [one for one in findings if one["state"] == "fail"] == []


def written(folder: Path, level: str, extra: str = "") -> Path:
    """A deployment file that extends the level's own, with a home in ``folder``."""
    path = folder / "deployment.toml"
    home = f'extends = "{shipped("config") / level}.toml"\n[node]\nhome = "{folder / "home"}"\n'
    path.write_text(home + extra, "utf-8")
    return path


def test_what_needs_another_does_not_start_without_it(tmp_path: Path) -> None:
    """The real command line once; every pair is tried in ``test_subsets.py``."""
    config = bare(tmp_path, {"services.cases": {}, "services.matters": {}})
    ran = command(config, "plugins", "list")
    assert ran.returncode == 0, "listing says what is there, whatever cannot start"
    refused(command(config, "migrate"), "services.cases", "services.forms")


# Refusing.


def bare(folder: Path, plugins: Mapping[str, Mapping[str, Any]] | None = None, extra: str = "") -> Path:
    """A deployment of its own with these plugins and no standards packs."""
    lines = ["[node]", 'id = "t"', 'title = { zh = "测试" }', 'division = "450100"', 'level = "city"']
    lines += [f'home = "{folder / "home"}"', *(f"[plugins.{name}]" for name in plugins or {})]
    path = folder / "bare.toml"
    path.write_text("\n".join([*lines, extra, ""]), "utf-8")
    return path


def refused(ran: Any, *words: str) -> None:
    """Exit code 2 and one sentence that says what and where; no traceback."""
    assert ran.returncode == 2, (ran.returncode, ran.stdout, ran.stderr)
    assert "Traceback" not in ran.stderr
    said = ran.stderr.strip()
    assert len(said.splitlines()) == 1, said
    assert all(word in said for word in words), said


def test_an_unknown_plugin_is_refused_with_its_nearest_name(tmp_path: Path) -> None:
    ran = command(bare(tmp_path, {"services.casess": {}}), "migrate")
    refused(ran, "bare.toml", "services.casess", "services.cases")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("[htpp]\nport = 1", ("htpp", "http")),
        ("[http]\nprot = 1", ("http.prot", "port")),
        ("[plugins.services.matters]\nno_such = 1", ("services.matters", "no_such")),
        ("[http]\nport = 'x'", ("http.port",)),
        ("[node\n", ("TOML",)),
    ],
    ids=["section", "key", "plugin's key", "kind", "syntax"],
)
def test_an_unknown_key_is_refused_by_file_and_name(tmp_path: Path, extra: str, words: tuple[str, ...]) -> None:
    refused(command(bare(tmp_path, extra=extra), "migrate"), "bare.toml", *words)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(command(tmp_path / "none.toml", "migrate"), "none.toml")


def distribution(folder: Path, name: str, plugin: str, needs: str = "") -> None:
    """A distribution as pip would leave it, that brings ``plugin``."""
    module = name.replace("-", "_")
    source = (
        "from gdbos import Plugin, hookimpl\n@hookimpl\ndef describe() -> Plugin:\n"
        f'    return Plugin(name="{plugin}", title="T", needs=[{needs!r}] if {needs!r} else [])\n'
    )
    (folder / f"{module}.py").write_text(source, "utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[gdbos.plugins]\n{plugin} = {module}\n", "utf-8")


def test_two_distributions_under_one_name_are_refused_naming_both(tmp_path: Path) -> None:
    distribution(tmp_path, "acme-one", "acme.thing")
    distribution(tmp_path, "other-one", "acme.thing")
    ran = command(bare(tmp_path, {"acme.thing": {}}), "migrate", PYTHONPATH=str(tmp_path))
    refused(ran, "acme.thing", "acme-one", "other-one")


def test_a_circle_is_refused_naming_it(tmp_path: Path) -> None:
    distribution(tmp_path, "acme-one", "acme.one", "acme.two")
    distribution(tmp_path, "acme-two", "acme.two", "acme.one")
    ran = command(bare(tmp_path, {"acme.one": {}, "acme.two": {}}), "migrate", PYTHONPATH=str(tmp_path))
    refused(ran, "circle", "acme.one", "acme.two")


# The other commands.


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city that has been started once."""
    config = written(tmp_path_factory.mktemp("city"), "city")
    with serving(load(config, {})):
        pass
    return config


def said(config: Path, *arguments: str) -> Any:
    ran = command(config, *arguments, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_the_configuration_says_where_each_value_came_from(city: Path) -> None:
    shown = json.loads(command(city, "config", "show", "--resolved", "--json", GDBOS_PORT="8123").stdout)
    assert shown["http.port"] == {"value": 8123, "from": "environment GDBOS_PORT"}
    assert shown["node.home"]["from"] == str(city)
    assert shown["node.division"]["from"].endswith("city.toml")
    assert shown["bus.capacity"]["from"] == "default"
    few = said(city, "config", "show")
    assert set(few) < set(shown)


def test_plugins_are_listed_shown_and_checked(city: Path) -> None:
    listed = {one["name"]: one for one in said(city, "plugins", "list")}
    wanted = tomllib.loads((shipped("config") / "city.toml").read_text("utf-8"))["plugins"]
    names = {f"{family}.{feature}" for family, features in wanted.items() for feature in features}
    assert {name for name, one in listed.items() if one["enabled"]} == names
    shown = said(city, "plugins", "show", "services.cases")
    assert shown["enabled"] is True
    assert "services.cases.decide" in shown["permissions"]
    assert all(one["ok"] for one in said(city, "plugins", "check"))
    unknown = command(city, "plugins", "show", "services.casess")
    refused(unknown, "services.cases")


def test_a_refused_plugin_is_told_by_the_check(tmp_path: Path) -> None:
    ran = command(bare(tmp_path, {"services.cases": {}, "governance.catalogue": {}}), "plugins", "check", "--json")
    assert ran.returncode == 2
    assert {one["name"]: one["ok"] for one in json.loads(ran.stdout)} == {
        "services.cases": False,
        "governance.catalogue": True,
    }


@pytest.mark.parametrize("pack", ["national", "guangxi", "nanning", "qingxiu", "ministry"])
def test_the_packs_that_ship_pass_their_own_check(city: Path, pack: str) -> None:
    ran = command(city, "standards", "check", str(shipped("standards") / pack))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_ledger_of_a_started_node_verifies(city: Path) -> None:
    reports = said(city, "ledger", "verify", str(city.parent / "home"))
    assert reports


# One matter at four levels.


def matter(level: str, folder: Path) -> Any:
    with serving(load(written(folder, level), {})) as site:
        answered = site.client.get(f"/api/services/matters/{MATTER}")
        assert answered.status_code == 200, answered.text
        return answered.json()


def test_one_matter_is_shown_at_four_levels_each_with_its_own_allowed_differences(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shown = {level: matter(level, tmp_path_factory.mktemp(level)) for level in LEVELS}
    by_level = {level: guide["matter"] for level, guide in shown.items()}
    for same in ("id", "basic_code", "title", "type", "basis"):
        assert len({json.dumps(one[same], sort_keys=True) for one in by_level.values()}) == 1, same
    promises = [by_level[level]["promise_days"] for level in ("ministry", "province", "city", "county")]
    assert promises == sorted(promises, reverse=True), "each level promises no longer than the one above"
    assert promises[0] > promises[1] > promises[2]
    assert by_level["county"]["window"] != by_level["city"]["window"] != by_level["province"]["window"]
    assert by_level["county"]["exercise_levels"] == ["4"]
    assert {change["pack"] for change in shown["county"]["levels"]["changes"]} == {"guangxi", "nanning", "qingxiu"}
    assert {change["pack"] for change in shown["city"]["levels"]["changes"]} == {"guangxi", "nanning"}
    assert {change["pack"] for change in shown["province"]["levels"]["changes"]} == {"guangxi"}
    assert shown["ministry"]["levels"]["changes"] == []


COUNTY = """
id = "wuming"
version = "1"
title = { zh = "武鸣", en = "Wuming" }
publisher = { zh = "武鸣区", en = "Wuming" }
level = "county"
division = "450110"
extends = ["nanning"]
"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('title = { zh = "别的", en = "Other" }', ("title", "national")),
        ('basic_code = "000131999999"', ("basic_code", "national")),
        ('form = "enterprise.seal"', ("form", "guangxi")),
    ],
)
def test_a_pack_that_touches_a_locked_element_is_refused_naming_whose_lock_it_is(
    tmp_path: Path, change: str, words: tuple[str, ...]
) -> None:
    pack = tmp_path / "packs" / "wuming"
    (pack / "matters").mkdir(parents=True)
    (pack / "pack.toml").write_text(COUNTY, "utf-8")
    (pack / "matters" / "registration.toml").write_text(f'id = "{MATTER}"\n{change}\n', "utf-8")
    extra = f'[standards]\npacks = ["national", "guangxi", "nanning", "wuming"]\nfolders = ["{tmp_path / "packs"}"]\n'
    ran = command(written(tmp_path, "county", extra), "migrate")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert all(word in ran.stderr for word in ("wuming", MATTER, *words)), ran.stderr


def test_a_pack_that_promises_less_time_is_used(tmp_path: Path) -> None:
    """Or the refusals above would hold for a node that takes no pack at all."""
    pack = tmp_path / "packs" / "wuming"
    (pack / "matters").mkdir(parents=True)
    (pack / "pack.toml").write_text(COUNTY, "utf-8")
    (pack / "matters" / "registration.toml").write_text(f'id = "{MATTER}"\nconsult_phone = "0771-00009999"\n', "utf-8")
    extra = f'[standards]\npacks = ["national", "guangxi", "nanning", "wuming"]\nfolders = ["{tmp_path / "packs"}"]\n'
    with serving(load(written(tmp_path, "county", extra), {})) as site:
        found = site.client.get(f"/api/services/matters/{MATTER}").json()["matter"]
    assert found["consult_phone"] == "0771-00009999"
