"""``gdbos standards``: list, show, check, explain."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from gdbos.standards.commands import standards as group


class Context:
    kernel = SimpleNamespace(shelf=SimpleNamespace(kinds={}))

    def __init__(self, standards):
        self._standards = standards

    def standards(self):
        return self._standards


@pytest.fixture
def run(packs):
    packs.national()
    packs.write(
        "guangxi",
        {"elements/x.toml": '[[element]]\nid = "name"\nform = "any..40"\nlocked = ["form"]\n'},
        "province",
        ["national"],
    )
    context = Context(packs.load())
    return lambda *words: CliRunner().invoke(group, [str(word) for word in words], obj=context)


def test_packs_and_items_are_listed(run):
    assert [pack["id"] for pack in json.loads(run("list", "--json").output)] == ["national", "guangxi"]
    assert "身份号码" in run("list", "element").output
    assert run("list", "elemnts").exit_code == 2


def test_an_item_is_shown_as_of_a_day(run):
    assert json.loads(run("show", "elements", "name").output)["form"] == "any..40"
    shown = json.loads(run("show", "basis", "xkf-42", "--json", "--on", "2026-01-01").output)
    assert shown["pack"] == "national"


def test_an_item_is_explained_with_what_each_level_changed(run):
    told = run("explain", "elements", "name").output
    assert "brought by national 1" in told
    assert 'guangxi changed form from "any..50" to "any..40"' in told
    assert "locked by guangxi: form" in told
    assert json.loads(run("explain", "elements", "name", "--json").output)["locked"] == {"form": "guangxi"}
    assert "xkf-42" in run("explain", "deadlines", "decision").output


def test_a_pack_is_checked_with_its_own_examples(run, packs):
    assert run("check", packs.folder / "national").output.endswith("sound\n")
    (packs.folder / "national" / "elements" / "y.toml").write_text('[[element]]\nid = "y"\n')
    outcome = run("check", packs.folder / "national", "--json")
    assert outcome.exit_code == 1
    assert {fault["rule"] for fault in json.loads(outcome.output)} == {"missing"}
