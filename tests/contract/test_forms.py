"""Whatever nonsense is posted to whatever page: an answer of a page, never a 500.

The addresses come from the application, the names of fields from every template of the node, so that a new page's form is tried
the moment its plugin is enabled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gdbos.own import TEMPLATES

from .demo import City
from .test_routes import Cell, cells, filled, holds, renew
from .test_routes import everybody as everybody

NAMED = re.compile(r'(?:field|coded|ask)\(\s*"([\w.-]+)"|name="([\w.-]+)"')
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def names(city: City) -> list[str]:
    """The names of all fields on all pages."""
    plugins = (plugin.templates for plugin in city.site.kernel.plugins if plugin.templates)
    pages = [page for folder in (*TEMPLATES.values(), *plugins) for page in Path(folder).rglob("*.html")]
    found = {first or second for page in pages for first, second in NAMED.findall(page.read_text("utf-8"))}
    assert {"title.zh", "name.zh", "settings", "reason"} <= found
    return sorted(found)


Body = dict[str, Any]
BODIES: dict[str, Callable[[list[str]], Body]] = {
    "nothing": lambda names: {},
    "JSON in every field": lambda names: {"data": dict.fromkeys(names, "{}")},
    "only the first part of dotted names": lambda names: {"data": {name.partition(".")[0]: "{}" for name in names}},
    "a plain name and a dotted one": lambda names: {
        "data": {part: "x" for name in names for part in (name.partition(".")[0], f"{name.partition('.')[0]}.zh")}
    },
    "every field several times, and long": lambda names: {"data": {key: ["x" * 2000, "", "-1"] for key in names}},
    "files instead of words": lambda names: {"files": [(name, ("x.txt", b"\xff\xfe", "text/plain")) for name in names]},
    "no UTF-8": lambda names: {"content": b"&".join(b"%s=%%ff%%fe" % name.encode() for name in names)},
    "signs that mean something elsewhere": lambda names: {"data": dict.fromkeys(names, "{{7*7}}<b>' \u202e]]>%s{0}")},
}


def posts(city: City) -> list[Cell]:
    return [one for one in cells(city.client.app) if one.method == "POST" and not one.template.startswith("/api/")]


def somebody(cell: Cell, everybody: dict[str, list[str]]) -> str:
    """Who may post there; nobody in particular where everybody may."""
    if cell.permission == "public":
        return ""
    return next(
        who for who in everybody if who and (cell.permission == "known" or holds(everybody[who], cell.permission))
    )


@pytest.mark.parametrize("what", BODIES)
def test_a_page_answers_whatever_its_form_holds(
    city: City, everybody: dict[str, list[str]], names: list[str], what: str
) -> None:
    wrong, tried = [], 0
    for cell in posts(city):
        who, body = somebody(cell, everybody), BODIES[what](names)
        headers = city.as_(who) | ({"content-type": FORM} if "content" in body else {})
        answered = city.client.post(filled(cell.template), headers=headers, follow_redirects=False, **body)
        tried += 1
        if answered.status_code >= 500:
            wrong.append((cell.template, who, answered.status_code, answered.text[:160]))
        renew(city, who, cell)
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 60
