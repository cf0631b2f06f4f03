"""``--config PATH`` says which deployment a command works on, before it or after it; the deployment says which commands there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gdbos.cli import guarded, program

CONFIG = """
[node]
id = "here"
title = { zh = "试验", en = "Test" }
division = "450100"
level = "city"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "here.toml"
    path.write_text(CONFIG, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    "words",
    [
        ("--config", "PATH", "config", "show", "--json"),
        ("config", "--config", "PATH", "show", "--json"),
        ("config", "show", "--config", "PATH", "--json"),
        ("config", "show", "--json", "--config=PATH"),
    ],
    ids=" ".join,
)
def test_the_deployment_may_be_named_anywhere(
    words: tuple[str, ...], config: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    args = [word.replace("PATH", config) for word in words]
    assert guarded(lambda: program(args, standalone_mode=False)) == 0
    assert json.loads(capfdbinary.readouterr().out)["node.id"]["value"] == "here"


def test_a_command_of_a_plugin_is_there_where_the_deployment_named_after_it_enables_it(
    config: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: program(["demo", "--help"], standalone_mode=False)) == 0
    assert guarded(lambda: program(["demo", "--help", "--config", config], standalone_mode=False)) == 2
    assert "No such command" in capfd.readouterr().err


def test_what_stands_after_two_dashes_is_no_option(config: str) -> None:
    assert guarded(lambda: program(["config", "show", "--", "--config", config], standalone_mode=False)) == 2
