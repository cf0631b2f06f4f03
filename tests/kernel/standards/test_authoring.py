"""Whoever writes a pack: it is begun, checked while it is written, compared, exported, handed in and published from the command line."""

from __future__ import annotations

import json
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import uvicorn
from click.testing import CliRunner, Result

from gdbos.cli import Context, _mount, program
from gdbos.config import Deployment, load
from gdbos.http import application
from gdbos.kernel import Kernel
from gdbos.shipped import shipped
from gdbos.standards.schema import names, schema
from gdbos.testing import free_port, serving

from .test_editions import PASSWORD, files, people, place, settled

CITY = shipped("config") / "demo" / "city.toml"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    return Kernel(load(CITY, {"GDBOS_HOME": str(tmp_path_factory.mktemp("city"))}))


@pytest.fixture
def run(city: Kernel, tmp_path: Path) -> Callable[..., Result]:
    _mount()
    context = Context(CITY, {"GDBOS_HOME": str(tmp_path / "home")})
    context.__dict__["kernel"] = city
    group = program.commands["standards"]
    return lambda *words: CliRunner().invoke(group, [str(word) for word in words], obj=context, standalone_mode=True)


def plain(value: Any) -> Any:
    """TOML as an editor's JSON Schema checker sees it."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def test_every_file_of_the_packs_that_ship_fits_the_schema_of_its_kind(city: Kernel) -> None:
    structs = city.shelf.structs()
    made = {name: jsonschema.Draft202012Validator(schema(structs, name)) for name in names(structs)}
    for one in made.values():
        jsonschema.Draft202012Validator.check_schema(one.schema)
    paths = sorted(shipped("standards").rglob("*.toml"))
    assert len(paths) > 100
    for path in paths:
        kind = "pack" if path.name == "pack.toml" else path.parent.name
        if kind in made:
            wrong = list(made[kind].iter_errors(plain(tomllib.loads(path.read_text()))))
            assert wrong == [], path


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("elements", '[[element]]\nid = "x"\nsynonims = []'),
        ("elements", '[[element]]\ntitle = {zh = "甲"}'),
        ("elements", '[[element]]\nid = "x"\ngrade = "top"'),
        ("codes", 'id = "x"\ncsv = "../x.csv"'),
        ("matters", 'id = "x"\npromise_days = "three"'),
        ("pack", 'id = "X"'),
        ("examples", '[[valid]]\nkind = "person"'),
    ],
)
def test_what_loading_would_refuse_an_editor_underlines(city: Kernel, kind: str, text: str) -> None:
    checker = jsonschema.Draft202012Validator(schema(city.shelf.structs(), kind))
    assert not checker.is_valid(plain(tomllib.loads(text)))


def test_a_pack_is_begun_with_schemas_and_is_sound(run: Callable[..., Result], tmp_path: Path) -> None:
    folder = tmp_path / "mytown"
    assert "begun" in run("new", folder, "--extends", "national", "--division", "450103").output
    assert run("check", folder, "--beneath", shipped("standards")).output.endswith("sound\n")
    assert json.loads((folder / ".schemas" / "matters.json").read_text())["$defs"]
    rules = tomllib.loads((folder / ".taplo.toml").read_text())["rule"]
    assert {"include": ["matters/*.toml"], "schema": {"path": ".schemas/matters.json"}} in rules
    assert run("new", folder).exit_code == 2
    for wrong in (("Bad/Name",), ("bad_name",), ("fine", "--id", "Not fine")):
        refused = run("new", tmp_path / wrong[0], *wrong[1:])
        assert (refused.exit_code, "is no id of a pack" in refused.output) == (2, True)
        assert not (tmp_path / wrong[0]).exists()
    example = folder / "examples" / "examples.toml"
    example.write_text(example.read_text().replace('value = "1"', 'value = "3"'))
    failed = run("check", folder, "--beneath", shipped("standards"))
    assert failed.exit_code == 1
    assert "example: this code mytown.example must pass" in failed.output


def test_schemas_are_printed_and_written(run: Callable[..., Result], tmp_path: Path) -> None:
    assert "deadlines" in run("schema").output.splitlines()
    assert json.loads(run("schema", "deadlines").output)["title"] == "期限 · deadline"
    run("schema", "--out", tmp_path / "s")
    assert (tmp_path / "s" / "bundles.json").is_file()


def test_two_versions_and_two_levels_are_compared_in_words(run: Callable[..., Result], tmp_path: Path) -> None:
    packs = place(tmp_path / "packs")
    newer = tmp_path / "newer" / "base"
    for name, content in files("2", "d").items():
        (newer / name).parent.mkdir(parents=True, exist_ok=True)
        (newer / name).write_bytes(content)
    told = run("diff", packs / "base", newer, "--language", "en").output
    assert told == "data element mark (Mark): representation an..18 → d\n1 difference(s)\n"
    levels = run("diff", "guangxi", "nanning", "--language", "zh").output
    assert "事项 enterprise.registration(企业设立登记):承诺时限(工作日) 1 → 0" in levels
    assert json.loads(run("diff", packs / "base", packs / "county", "--json").output)[0]["words"]["zh"]
    assert run("diff", packs / "base", "nowhere").exit_code != 0


# On a node.


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A node with its people that does not run."""
    where = settled(tmp_path_factory.mktemp("stopped"))
    with serving(where, prepare=people):
        return where


def test_an_official_hands_in_reviews_and_publishes_on_a_node_that_does_not_run(
    stopped: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _mount()
    monkeypatch.setenv("GDBOS_PASSWORD", PASSWORD)

    def gdbos(*words: object) -> Result:
        context = Context(stopped.path, {})
        return CliRunner().invoke(program.commands["standards"], [str(word) for word in words], obj=context)

    pack = tmp_path / "base"
    for name, content in files("2", "an..18", codes__colour='id = "colour"\ntitle = { zh = "色" }\n').items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_bytes(content)
    assert "--login" in gdbos("import", pack).output
    made = json.loads(gdbos("import", pack, "--login", "ann", "--json", "--summary", "fewer colours").output)
    assert made["summary"] == "fewer colours"
    reviewed = gdbos("review", made["id"], "--login", "ben")
    assert "代码集 colour(色):中文名称 颜色 → 色" in reviewed.output
    own = gdbos("publish", made["id"], "--reason", "x", "--login", "ann")
    assert own.exit_code == 1
    assert "Nobody publishes what they drafted" in own.output
    assert "base 2: published" in gdbos("publish", made["id"], "--reason", "x", "--login", "ben").output
    assert json.loads(gdbos("show", "codes", "colour").output)["title"]["zh"] == "色"
    assert "published" in gdbos("editions", "--login", "ann").output
    out = tmp_path / "out.zip"
    gdbos("export", "base@2", out)
    assert out.stat().st_size > 0
    assert "withdrawn" in gdbos("withdraw", made["id"], "--reason", "x", "--login", "ben").output
    assert json.loads(gdbos("show", "codes", "colour").output)["title"]["zh"] == "颜色"


def test_the_same_commands_speak_to_a_running_node(stopped: Deployment) -> None:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application(Kernel(stopped)), port=port, log_config=None))
    running = threading.Thread(target=server.run)
    running.start()
    try:
        while not server.started:
            assert running.is_alive()
            time.sleep(0.02)
        words = ["editions", "--of", "draft", "--node", f"http://127.0.0.1:{port}", "--json"]
        told = CliRunner().invoke(
            program.commands["standards"], [*words, "--login", "ann"], env={"GDBOS_PASSWORD": PASSWORD}
        )
        assert told.output == "[]\n"
        wrong = CliRunner().invoke(program.commands["standards"], [*words, "--token", "no"])
        assert wrong.exit_code == 1
        assert "Log in first" in wrong.output
    finally:
        server.should_exit = True
        running.join()
