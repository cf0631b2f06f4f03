"""Every message has Chinese words, in its own package's catalogue, with the same placeholders."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdbos.pages.catalogue import complete, extract, messages_of, misfitting, missing
from gdbos.pages.translation import read_catalogue

ROOT = Path(__file__).parents[3]
PACKAGES = [ROOT / "kernel" / "gdbos", *sorted(ROOT.glob("plugins/*/gdbos_*"))]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_message_has_chinese_words_that_fit(package: Path) -> None:
    catalogue = package / "locale" / "zh.po"
    assert sorted(missing(package, catalogue)) == [], f"write these in {catalogue.relative_to(ROOT)}"
    assert misfitting(catalogue) == set()


def test_one_message_has_the_same_words_everywhere() -> None:
    said: dict[str, set[str]] = {}
    for package in PACKAGES:
        for entry in read_catalogue(package / "locale" / "zh.po"):
            if entry.id and isinstance(entry.id, str):
                said.setdefault(entry.id, set()).add(str(entry.string))
    assert {message: words for message, words in said.items() if len(words) > 1} == {}


MODULE = """
from gdbos import errors
from gdbos.errors import Conflict
class Closed(errors.Conflict):
    code, title = "closed", "The window is closed"
class Shut(Closed):
    title: str = "The window is shut"
class Other:
    title = "Not a message"
def act():
    raise Closed("Window {number} is closed; "
                 "come back at {hour}.", number=1, hour=2)
    raise errors.NotFound("There is no window {number}.", number=1)
    raise Shut()
    raise ValueError("Not a message either")
    Violation("$.a", "rule", "{value} is no number"); Violation(path="$", rule="r", detail="By keyword")
    N_("Marked"); _("Said"); ngettext("One window", "{count} windows", 2)
    NavigationEntry(area="portal", path="/", title="In the header", permission=X); Permission("a.b", "Open windows")
    Plugin(name="a.b", title="Windows"); NavigationEntry(area="portal", title=Text("数据", "data"))
"""
TEMPLATE = "{{ _('In a template') }} {{ ngettext('One row', '{count} rows', n) }} {{ _(variable) }}{% do x.append(_('In a do')) %}"
HELD = {
    "The window is closed",
    "The window is shut",
    "Window {number} is closed; come back at {hour}.",
    "There is no window {number}.",
    "{value} is no number",
    "By keyword",
    "Marked",
    "Said",
    "One window",
    "In the header",
    "Open windows",
    "Windows",
    "In a template",
    "One row",
    "In a do",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "cases" / "templates").mkdir(parents=True)
    (tmp_path / "cases" / "window.py").write_text(MODULE, "utf-8")
    (tmp_path / "cases" / "templates" / "list.html").write_text(TEMPLATE, "utf-8")
    return tmp_path


def test_all_that_is_said_is_found_and_nothing_else(package: Path) -> None:
    assert extract(package) == HELD
    assert messages_of(package)["One window"] == "{count} windows"


def test_what_is_missing_is_added_and_words_that_are_there_stay(package: Path) -> None:
    catalogue = package / "locale" / "zh.po"
    assert complete(package) == len(HELD)
    assert missing(package, catalogue) == HELD
    written = catalogue.read_text("utf-8").replace('msgid "Said"\nmsgstr ""', 'msgid "Said"\nmsgstr "说过"')
    catalogue.write_text(written.replace('msgstr[0] ""', 'msgstr[0] "{count} 个"'), "utf-8")
    assert complete(package) == len(HELD) - 3
    assert missing(package, catalogue) == HELD - {"Said", "One window", "One row"}
    assert misfitting(catalogue) == set()


def test_completing_twice_changes_nothing(package: Path) -> None:
    complete(package)
    once = (package / "locale" / "zh.po").read_bytes()
    complete(package)
    assert (package / "locale" / "zh.po").read_bytes() == once


def test_words_with_other_placeholders_are_found(package: Path) -> None:
    complete(package)
    catalogue = package / "locale" / "zh.po"
    empty = 'msgid "There is no window {number}."\nmsgstr ""'
    catalogue.write_text(catalogue.read_text("utf-8").replace(empty, empty[:-1] + '没有{numero}号窗口。"'), "utf-8")
    assert misfitting(catalogue) == {"There is no window {number}."}
