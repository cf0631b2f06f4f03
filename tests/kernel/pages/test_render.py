"""Templates become HTML that escapes, refuses what is missing, and carries nothing inline."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from gdbos.errors import Conflict, Invalid, Misconfigured, Problem, Unauthenticated, Violation
from gdbos.pages.frame import Account, Frame, Site
from gdbos.pages.gallery import gallery
from gdbos.pages.problems import problem_page
from gdbos.pages.render import Pages
from gdbos.pages.schema import render_schema
from gdbos.plugin import PUBLIC
from gdbos.text import Text


class Elements(HTMLParser):
    """Every element of a page, and the ids that none of them shares."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]

    def anchors(self) -> list[str]:
        hrefs = [attributes.get("href") or "" for _, attributes in self.elements]
        return [href[1:] for href in hrefs if href.startswith("#")]

    def inline(self) -> list[str]:
        """What a strict policy would refuse: scripts and styles in the page itself."""
        found = [
            tag for tag, attributes in self.elements if tag == "style" or (tag == "script" and "src" not in attributes)
        ]
        found += [
            name for _, attributes in self.elements for name in attributes if name == "style" or name.startswith("on")
        ]
        return found + [
            href for _, attributes in self.elements if (href := attributes.get("href") or "").startswith("javascript:")
        ]


@pytest.fixture
def rendered(pages: Pages, frame: Frame, openapi, request) -> str:
    name, locale = request.param
    if name == "gallery":
        return gallery(pages, locale, frame=frame)
    if name == "schema":
        return render_schema(openapi, pages, locale, frame=frame)
    return problem_page(Conflict("There is no file {name}.", name="a"), pages, locale, frame=frame, trace="7f")


@pytest.mark.parametrize(
    "rendered", [(name, locale) for name in ("gallery", "problem", "schema") for locale in ("zh", "en")], indirect=True
)
def test_a_page_has_nothing_inline_one_heading_unique_ids_and_no_dead_anchor(rendered: str) -> None:
    page = Elements(rendered)
    assert page.inline() == []
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert len(page.ids()) == len(set(page.ids()))
    assert set(page.anchors()) <= set(page.ids())


def test_what_counts_as_inline_is_seen() -> None:
    planted = '<style></style><script></script><p style="x" onclick="y"><a href="javascript:z">'
    assert Elements(planted).inline() == ["style", "script", "style", "onclick", "javascript:z"]


def templates(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.html").write_text(content, "utf-8")
    return folder


def test_a_plugins_templates_are_found_under_its_name(tmp_path: Path) -> None:
    pages = Pages(templates={"acme.hello": templates(tmp_path, hello="{{ _('Search') }} {{ name }}")})
    assert pages.html("acme.hello/hello.html", "zh", {"name": "a"}) == "搜索 a"
    assert pages.html("acme.hello/hello.html", "en", {"name": "a"}) == "Search a"


def test_a_plugin_cannot_stand_in_for_the_kernels_templates(tmp_path: Path, frame: Frame) -> None:
    pages = Pages(templates={"kernel": templates(tmp_path, layout="mine")})
    assert "<main" in gallery(pages, "zh", frame=frame)


def test_everything_is_escaped_even_through_translated_words(tmp_path: Path) -> None:
    words = "{{ _('for {name}').format(name=name) }}"
    pages = Pages(templates={"acme.hello": templates(tmp_path, hello=words)})
    assert "<b>" not in pages.html("acme.hello/hello.html", "zh", {"name": "<b>"})


def test_a_name_the_context_lacks_is_a_fault_and_not_an_empty_place(tmp_path: Path) -> None:
    pages = Pages(templates={"acme.hello": templates(tmp_path, hello="{{ nmae }}")})
    with pytest.raises(UndefinedError, match="nmae"):
        pages.html("acme.hello/hello.html", "zh", {})


def test_check_names_a_template_that_does_not_compile(tmp_path: Path, pages: Pages) -> None:
    pages.check()
    broken = Pages(templates={"acme.hello": templates(tmp_path, hello="{% if %}")})
    with pytest.raises(Misconfigured, match=r"acme\.hello/hello\.html"):
        broken.check()


def test_an_unknown_static_file_is_named(tmp_path: Path) -> None:
    pages = Pages(templates={"acme.hello": templates(tmp_path, hello="{{ asset('gdbso.css') }}")})
    with pytest.raises(Misconfigured, match=r"gdbso\.css"):
        pages.html("acme.hello/hello.html", "zh", {})


@pytest.mark.parametrize(
    ("template", "value", "zh", "en"),
    [
        ("{{ it|date }}", date(2026, 11, 23), "2026年11月23日", "23 Nov 2026"),
        ("{{ it|date }}", datetime(2026, 11, 23, 16, 30, tzinfo=UTC), "2026年11月24日", "24 Nov 2026"),
        ("{{ it|datetime }}", datetime(2026, 11, 23, 16, 30, tzinfo=UTC), "2026年11月24日 00:30", "24 Nov 2026, 00:30"),
        ("{{ it|money }}", Decimal("1234.5"), "¥1,234.50", "CN¥1,234.50"),
        ("{{ it|number }}", 1234567, "1,234,567", "1,234,567"),
        ("{{ it|text }}", Text("南宁", "Nanning"), "南宁", "Nanning"),
        ("{{ it|text }}", Text("三月三"), "三月三", "三月三"),
        ("{{ it|date }}", None, "—", "—"),
        ("{{ it|text }}", "", "—", "—"),
    ],
)
def test_filters_write_as_each_language_does(tmp_path: Path, template: str, value: object, zh: str, en: str) -> None:
    pages = Pages(templates={"acme.hello": templates(tmp_path, hello=template)})
    assert [pages.html("acme.hello/hello.html", locale, {"it": value}) for locale in ("zh", "en")] == [zh, en]


def test_words_without_english_are_marked_as_chinese_on_an_english_page(pages: Pages, frame: Frame) -> None:
    assert '<span lang="zh-Hans">三月三</span>' in gallery(pages, "en", frame=frame)
    assert '<span lang="zh-Hans">三月三</span>' not in gallery(pages, "zh", frame=frame)


FIELD = "{% from 'kernel/components.html' import field %}{{ field(**it) }}"


def field(tmp_path: Path, **given: object) -> Elements:
    pages = Pages(templates={"acme.hello": templates(tmp_path, field=FIELD)})
    return Elements(pages.html("acme.hello/field.html", "zh", {"it": {"name": "a", "label": "A", **given}}))


@pytest.mark.parametrize("kind", ["text", "select", "radio", "checkboxes", "checkbox", "textarea"])
def test_a_locked_field_shows_its_words_sends_its_value_and_cannot_be_typed_in(tmp_path: Path, kind: str) -> None:
    inputs = [
        it
        for tag, it in field(tmp_path, kind=kind, value="x", options=[("x", "Words")], locked=True).elements
        if tag == "input"
    ]
    assert [(it.get("type"), it.get("name"), it.get("value")) for it in inputs] == [
        ("text", None, "Words"),
        ("hidden", "a", "x"),
    ]
    assert "readonly" in inputs[0]


@pytest.mark.parametrize("kind", ["text", "date", "select", "radio", "checkboxes", "checkbox", "textarea"])
def test_an_error_is_tied_to_its_field(tmp_path: Path, kind: str) -> None:
    found = field(tmp_path, kind=kind, error="wrong", options=[("x", "X")]).elements
    described = [it for _, it in found if it.get("aria-describedby") == "field-a-error"]
    assert len(described) == 1
    assert any(it.get("aria-invalid") == "true" for _, it in found)
    assert any(it.get("id") == "field-a-error" for _, it in found)


def test_a_password_never_comes_back(tmp_path: Path) -> None:
    assert all(it.get("value") != "secret" for _, it in field(tmp_path, kind="password", value="secret").elements)


def test_a_problem_says_what_happened_what_to_do_and_the_trace(pages: Pages, frame: Frame) -> None:
    problem = Invalid("There is no file {name}.", violations=[Violation("$.a", "required", "required")], name="<a>")
    page = problem_page(problem, pages, "zh", frame=frame, trace="4bf92f")
    for words in (
        "问题 422",
        "有内容需要修改",
        "没有文件 &lt;a&gt;。",
        "$.a",
        "必填",
        "请修改上述内容后重新提交",
        "4bf92f",
    ):
        assert words in page


def test_whoever_is_not_known_is_led_to_log_in(pages: Pages, frame: Frame) -> None:
    page = problem_page(Unauthenticated(), pages, "en", frame=frame)
    assert re.search(r'<main.*href="/login"', page, re.S)
    assert page.count("Log in first") == 2  # title and heading; a detail that only repeats them is left out


@given(status=st.integers(400, 599), detail=st.text(max_size=60))
def test_any_problem_makes_a_page(status: int, detail: str) -> None:
    class Odd(Problem):
        pass

    Odd.status = status
    assert f"Problem {status}" in problem_page(Odd(detail), PAGES, "en", frame=BARE)


PAGES = Pages()
BARE = Frame(
    site=Site(title=Text("站"), division=Text("市"), version="0"), path="/", may=lambda permission: permission is PUBLIC
)


def test_the_frame_shows_who_is_logged_in_or_where_to(pages: Pages) -> None:
    account = Account(name="Wei <x>", acts_for="Acme")
    known = Frame(site=BARE.site, path="/", may=BARE.may, account=account)
    page = gallery(pages, "en", frame=known)
    assert "Wei &lt;x&gt;" in page
    assert "for Acme" in page
    assert 'action="/logout"' in page
    assert 'href="/login"' not in page
    assert 'href="/login"' in gallery(pages, "en", frame=BARE)
