"""Services in the console: an official registers a version, sees who uses it, and gives notice that one ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from gdbos.bus.grant import bus_grant, new_grant
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.post import appoint
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit

from .test_console import PACK, PASSWORD_HASH, TAX, Node

ROLES = """
[[document]]
id = "provider"
title = { zh = "提供方", en = "Provider" }
permissions = ["kernel.bus.register", "kernel.bus.services"]
scope = "body"
"""
CODE = "tax.core.payers"
FORM = {
    "code": CODE,
    "version": "1",
    "title.zh": "纳税人查询",
    "title.en": "Taxpayers",
    "takes": "nanning.population.query",
    "gives": "nanning.population.person",
    "subject.kind": "person",
    "subject.field": "citizen_id",
    "sla.answer_ms": "800",
    "updates": "1",
    "adapter": "http",
    "settings": 'base = "{tax}"\npath = "/people"\n[response]\nname = "n"\n',
}


def settle(unit: Unit) -> None:
    register_body(unit, Body(uscc=TAX, name=Text("税务局", "Tax"), division="450100", level="city"))
    account = open_account(unit, login="provider", password_hash=PASSWORD_HASH, name="p", kind="official")
    appoint(unit, account, body=TAX, role_id="provider")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("services")
    pack: Path = folder / "packs" / "test"
    (pack / "roles").mkdir(parents=True)
    (pack / "pack.toml").write_text(PACK, "utf-8")
    (pack / "roles" / "roles.toml").write_text(ROLES, "utf-8")
    extra = f"""
        [standards]
        packs = ["national", "guangxi", "nanning", "test"]
        folders = ["{pack}"]
        [bus.places]
        tax = {{ url = "http://127.0.0.1:9", bodies = ["*"] }}
    """
    with serving(deployment(folder, extra=extra), prepare=settle) as site:
        yield Node(site, folder)


def consume(unit: Unit, code: str) -> None:
    grant = new_grant(body=TAX, system="tax.desk", service=code, provider=TAX, fields=("name",), version=1)
    row = {name: getattr(grant, name) for name in grant.__struct_fields__}
    unit.execute(insert(bus_grant).values(row | {"state": "live", "changed_at": unit.now}))


def live(site: Site, code: str) -> list[Any]:
    return [(one.version, one.ends_on) for one in site.kernel.directory.versions(code)]


def test_an_official_registers_versions_and_gives_notice(node: Node) -> None:
    assert "/console/services/register" in node.get("provider", "/console/services")
    node.get("provider", "/console/services/register")
    page = node.send("provider", "/console/services/register", 200, **FORM)
    assert all(words in page for words in ("The version is published", "Taxpayers", "800 ms", "Real time"))
    node.site.unit(consume, CODE)
    assert "tax.desk" in node.get("provider", f"/console/services/{CODE}")
    filled = node.get("provider", f"/console/services/register?code={CODE}")
    assert 'value="2"' in filled
    changed = FORM | {"version": "2", "gives": "nanning.population.query", "settings": FORM["settings"].split("[")[0]}
    refused = node.send("provider", "/console/services/register", 422, **changed)
    assert "tax.desk" in refused
    assert "name" in refused
    node.send("provider", "/console/services/register", 200, **changed, breaking="true")
    day = node.site.kernel.units.around.today().replace(year=2099)
    told = node.send("provider", f"/console/services/{CODE}/1/withdraw", 200, on=day.isoformat(), reason="old")
    assert "The consumers have been told" in told
    assert live(node.site, CODE) == [(2, None), (1, day)]


def test_vertical_systems_and_numbers_on_the_exchange_are_shown(node: Node) -> None:
    marked = [row for row in node.get("provider", "/console/services").split("<tr") if "Vertical system" in row]
    assert ["nanning.tax.handle" in row for row in marked if "nanning." in row] == [True]
    assert "of a ministry" in node.get("provider", "/console/services/nanning.tax.handle")
    assert "s_4500000000000_0001" in node.get("provider", "/console/services/gx.population.person")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "Not A Code"}, "form this field needs"),
        ({"takes": "no.such.record"}, "no.such.record"),
        ({"settings": "not toml"}, "TOML"),
        ({"settings": 'base = "{nowhere}"\npath = "/"'}, "nowhere"),
        ({"version": "many"}, "Needed here"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form_and_nothing_is_lost(
    node: Node, change: dict[str, str], words: str
) -> None:
    page = node.send("provider", "/console/services/register", 422, **{**FORM, "code": "tax.core.other"} | change)
    assert words in page
    assert "纳税人查询" in page
    assert live(node.site, "tax.core.other") == []


def test_notice_without_a_reason_or_for_the_past_is_refused(node: Node) -> None:
    code = "tax.core.short"
    node.send("provider", "/console/services/register", 200, **FORM | {"code": code})
    for form in ({"on": "2099-01-01"}, {"on": "2000-01-01", "reason": "past"}):
        node.send("provider", f"/console/services/{code}/1/withdraw", 422, **form)
    assert live(node.site, code) == [(1, None)]
