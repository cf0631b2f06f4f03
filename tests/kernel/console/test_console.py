"""The console over HTTP: everybody sees their part, acts are recorded, and nobody's data appears."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select

from gdbos.bus.grant import bus_grant, draft, new_grant
from gdbos.bus.outbox import delivery, outbox
from gdbos.bus.record import bus_call
from gdbos.cli import Context
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.ids import new_id
from gdbos.ledger.leaf import LOGS
from gdbos.letters_commands import dlq
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit

PASSWORD = "a long sentence nobody guesses"
PASSWORD_HASH = hashed(PASSWORD)
MARKET = "11450100MADEM002XN"
TAX = "11450100MADEM0046H"
ROLES = """
[[document]]
id = "operator"
title = { zh = "运维", en = "Operator" }
permissions = ["kernel.plugins.read", "kernel.bus.services", "kernel.letters.*", "kernel.standards.read"]
scope = "node"

[[document]]
id = "auditor"
title = { zh = "审计", en = "Auditor" }
permissions = ["kernel.ledger.read", "kernel.bus.calls"]
scope = "node"

[[document]]
id = "grantor"
title = { zh = "授权", en = "Grantor" }
permissions = ["kernel.grants.*", "kernel.bus.calls"]
scope = "body"
"""
PACK = """
id = "test"
version = "1"
title = { zh = "测试", en = "Test" }
publisher = { zh = "测试", en = "Test" }
level = "city"
division = "450100"
extends = ["nanning"]
from = 2000-01-01
"""
PATHS = {
    "operator": (
        "/console",
        "/console/plugins",
        "/console/services",
        "/console/letters",
        "/console/standards",
        "/console/standards/elements?q=姓名",
        "/console/standards/deadline?start=2026-02-13&rule=licence-decision",
        "/console/standards/identifiers",
        "/console/standards/search?q=信用代码",
        "/console/standards/search?q=信用代码&kind=elements",
        "/console/standards/search?q=nothing-of-the-kind",
        "/console/standards/drift",
        "/console/standards/drift?against=guangxi&lower=nanning",
        "/console/standards/items/deadlines/licence-decision",
        "/console/standards/elements/uscc",
        "/console/standards/lists/codes",
        "/console/standards/lists/records",
        "/console/standards/codes/supervision.card",
        "/console/standards/crosswalks/gx.material-source/nanning.material-source",
        "/console/standards/crosswalks/gx.material-necessity/matter.material-necessity",
        "/console/standards/lists/deadlines",
        "/console/standards/lists/basis",
        "/console/standards/lists/calendars",
        "/console/standards/lists/identifiers",
        "/console/standards/records/nanning.tax.request",
    ),
    "auditor": ("/console/ledger", "/console/calls"),
    "market": ("/console/grants", "/console/grants?of=live", "/console/grants?of=revoked", "/console/calls"),
}


class Node:
    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder = site, folder

    def as_(self, login: str, language: str = "en") -> dict[str, str]:
        answer = self.site.client.post("/api/identity/sessions", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.site.client.cookies.clear()
        return {"authorization": f"Bearer {answer.json()['token']}", "accept-language": language}

    def get(self, login: str, path: str, status: int = 200, language: str = "en") -> Any:
        answer = self.site.client.get(path, headers=self.as_(login, language))
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def send(self, login: str, path: str, status: int, **form: Any) -> str:
        answer = self.site.client.post(path, data=form, headers=self.as_(login), follow_redirects=True)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, login: str, path: str, status: int, body: Any = None) -> Any:
        answer = self.site.client.post(path, json=body, headers=self.as_(login))
        assert answer.status_code == status, answer.text
        return answer.json()

    def state(self, grant: UUID) -> str:
        def look(unit: Unit) -> str:
            found: str = unit.execute(
                unit.rows(bus_grant, bus_grant.c.state).where(bus_grant.c.id == grant)
            ).scalar_one()
            return found

        return str(self.site.unit(look))


def settle(unit: Unit) -> None:
    for uscc, name in ((MARKET, "市场监管局"), (TAX, "税务局")):
        register_body(unit, Body(uscc=uscc, name=Text(name, uscc), division="450100", level="city"))
    for login, body, role in (
        ("operator", MARKET, "operator"),
        ("auditor", TAX, "auditor"),
        ("market", MARKET, "grantor"),
        ("tax", TAX, "grantor"),
    ):
        account = open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login, kind="official")
        appoint(unit, account, body=body, role_id=role)


@pytest.fixture
def node(tmp_path: Path, database: str) -> Iterator[Node]:
    pack = tmp_path / "packs" / "test"
    (pack / "roles").mkdir(parents=True)
    (pack / "pack.toml").write_text(PACK, "utf-8")
    (pack / "roles" / "roles.toml").write_text(ROLES, "utf-8")
    (pack / "codes").mkdir()
    (pack / "codes" / "dated.toml").write_text(DATED, "utf-8")
    extra = f'[standards]\npacks = ["national", "guangxi", "nanning", "test"]\nfolders = ["{pack}"]'
    with serving(deployment(tmp_path, database=database, extra=extra), prepare=settle) as site:
        yield Node(site, tmp_path)


def ask(unit: Unit, service: str = "market.register", asked_by: str = "") -> UUID:
    grant = new_grant(body=TAX, system="tax.core", service=service, provider=MARKET, purpose="核对登记信息")
    return draft(unit, grant)


def park(unit: Unit, handler: str = "acme.hello.note", key: str = "k1", count: int = 1) -> list[UUID]:
    """Dead letters as delivery parks them."""
    events = []
    for _ in range(count):
        event = new_id()
        unit.execute(
            insert(outbox).values(
                id=event,
                type="acme.hello.thing-done/1",
                key=key,
                body=b'{"type":"acme.hello.thing-done/1","thing":"t-1","amount":3}',
                chain=b"[]",
                traceparent="",
                due_at=unit.now,
                emitted_at=unit.now,
            )
        )
        row = {"event": event, "handler": handler, "key": key, "due_at": unit.now, "next_at": unit.now}
        unit.execute(insert(delivery).values(**row, state="dead", attempts=3, error="ValueError"))
        events.append(event)
    return events


def letter_state(unit: Unit, event: UUID) -> str:
    found: str = unit.execute(select(delivery.c.state).where(delivery.c.event == event)).scalar_one()
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_for_who_may_in_both_languages(node: Node, language: str) -> None:
    node.site.unit(ask)
    node.site.unit(park)
    for login, paths in PATHS.items():
        for path in paths:
            page = node.get(login, path, language=language)
            assert " style=" not in page
            assert page.count("<h1") == 1
            assert ("管理台" if language == "zh" else "Console") in page


def test_every_page_is_closed_to_who_may_not(node: Node) -> None:
    for path in (*PATHS["operator"], "/console/ledger", "/api/kernel/letters"):
        node.get("tax", path, 403)
        assert node.site.client.get(path).status_code == 401
    for path in ("/console/grants", "/console/ledger"):
        node.get("operator", path, 403)
    node.get("auditor", "/console/letters", 403)


def test_drafts_are_decided_together_all_or_none(node: Node) -> None:
    first, second = node.site.unit(ask), node.site.unit(ask, "market.names")
    page = node.get("market", "/console/grants")
    assert "market.register" in page
    assert "market.names" in page
    assert node.state(first) == "draft"
    node.send("market", "/console/grants/decide", 422, grant=[str(first)], decision="approve", reason=" ")
    node.send("market", "/console/grants/decide", 422, decision="approve", reason="for the register")
    node.send(
        "market", "/console/grants/decide", 404, grant=[str(first), str(new_id())], decision="approve", reason="x"
    )
    assert node.state(first) == "draft"
    chosen = [str(first), str(second)]
    done = node.send("market", "/console/grants/decide", 200, grant=chosen, decision="approve", reason="as agreed")
    assert "2 grants were decided." in done
    assert [node.state(one) for one in (first, second)] == ["live", "live"]
    node.send("market", "/console/grants/decide", 409, grant=[str(first)], decision="refuse", reason="too late")


def test_one_draft_is_refused_and_a_live_grant_revoked_with_reasons_on_the_page(node: Node) -> None:
    one, other = node.site.unit(ask), node.site.unit(ask, "market.names")
    node.send("market", "/console/grants/decide", 200, grant=str(one), decision="refuse", reason="no legal basis")
    assert "no legal basis" in node.get("market", "/console/grants?of=refused")
    node.send("market", "/console/grants/decide", 200, grant=str(other), decision="approve", reason="agreed")
    assert "The duty has ended" in node.send(
        "market", f"/console/grants/{other}/revoke", 200, reason="The duty has ended"
    )
    assert node.state(other) == "revoked"


def test_the_consumer_sees_a_draft_and_cannot_decide_it(node: Node) -> None:
    one = node.site.unit(ask)
    assert "market.register" in node.get("tax", "/console/grants")
    node.send("tax", "/console/grants/decide", 403, grant=[str(one)], decision="approve", reason="we want it")
    assert node.state(one) == "draft"


def test_a_body_sees_its_own_calls_and_no_purpose_in_anybodys_words(node: Node) -> None:
    def call(unit: Unit, body: str, service: str) -> None:
        row = {"at": unit.now, "system": "s", "actor": "a", "provider": body, "version": 1, "matter": "m", "case": "c"}
        unit.execute(
            insert(bus_call).values(
                id=new_id(), body=body, service=service, purpose="ask about 韦小宁", outcome="done", fields=["name"],
                subjects=1, micros=1200, **row,
            )
        )  # fmt: skip

    node.site.unit(call, MARKET, "of.market")
    node.site.unit(call, TAX, "of.tax")
    page = node.get("market", "/console/calls")
    assert "of.market" in page
    assert "of.tax" not in page
    assert "韦小宁" not in page
    assert "of.tax" in node.get("auditor", "/console/calls")


def test_the_ledger_page_says_plainly_that_nobody_vouches_for_it(node: Node) -> None:
    node.site.call(node.site.kernel.book.catch_up)
    page = node.get("auditor", "/console/ledger")
    for log in LOGS:
        assert f"Log {log}" in page
    assert "Unwitnessed" in page
    assert "gdbos ledger verify PATH" in page
    assert "450100/test/audit/1" in page


def test_a_dead_letter_is_shown_and_delivered_again(node: Node) -> None:
    [event] = node.site.unit(park)
    [letter] = node.get("operator", "/api/kernel/letters")["letters"]
    assert (letter["event"], letter["handler"], letter["error"]) == (str(event), "acme.hello.note", "ValueError")
    at = f"/api/kernel/letters/{event}/acme.hello.note"
    shown = node.get("operator", at)
    assert shown["facts"]["thing"] == "t-1"
    assert "t-1" in node.get("operator", f"/console/letters/{event}/acme.hello.note")
    assert node.post("operator", f"{at}/retry", 200)["state"] == "pending"
    assert node.site.unit(letter_state, event) == "pending"
    node.post("operator", f"{at}/retry", 404)
    node.get("operator", at, 404)


def test_a_dead_letter_is_dropped_only_with_a_reason(node: Node) -> None:
    [event] = node.site.unit(park)
    at = f"/api/kernel/letters/{event}/acme.hello.note"
    for wrong in ({}, {"reason": ""}, {"reason": "x" * 2001}, {"reason": "x", "more": 1}):
        node.post("operator", f"{at}/drop", 422, wrong)
    assert node.post("operator", f"{at}/drop", 200, {"reason": "sent by a test"})["state"] == "dropped"
    assert node.site.unit(letter_state, event) == "dropped"
    node.post("operator", f"/api/kernel/letters/{new_id()}/acme.hello.note/drop", 404, {"reason": "x"})


def test_the_pages_settle_letters_by_forms(node: Node) -> None:
    first, second = node.site.unit(park, count=2)
    assert "2 events" not in node.get("operator", f"/console/letters/{first}/acme.hello.note")
    page = node.send("operator", f"/console/letters/{first}/acme.hello.note/retry", 200)
    assert "being delivered again" in page
    page = node.send("operator", f"/console/letters/{second}/acme.hello.note/drop", 200, reason="done by hand")
    assert "was dropped" in page
    assert node.site.unit(letter_state, second) == "dropped"


def test_letters_page_by_key(node: Node) -> None:
    parked = node.site.unit(park, count=5)
    seen: list[str] = []
    after = ""
    while True:
        page = node.get("operator", f"/api/kernel/letters?limit=2&after={after}")
        seen += [one["event"] for one in page["letters"]]
        if not (after := page["next"]):
            break
    assert seen == [str(one) for one in parked]
    node.get("operator", "/api/kernel/letters?after=nonsense", 400)


def test_officials_begin_where_their_work_is_and_are_offered_no_receipts_of_their_own(node: Node) -> None:
    page = node.get("operator", "/")
    assert "How this node is, right now." in page
    assert "/portal/receipts" not in page


def test_who_may_not_open_the_consoles_first_page_is_led_to_the_first_that_is_theirs(node: Node) -> None:
    def typed(login: str, path: str) -> Any:
        headers = node.as_(login) | {"accept": "text/html"}
        return node.site.client.get(path, headers=headers, follow_redirects=False)

    for login, first in (("auditor", "/console/calls"), ("market", "/console/grants")):
        led = typed(login, "/console")
        assert (led.status_code, led.headers["location"]) == (303, first)
        assert typed(login, first).status_code == 200
    assert typed("operator", "/console").status_code == 200
    assert typed("auditor", "/console/plugins").status_code == 403
    assert typed("auditor", "/workbench").status_code in (403, 404)
    assert node.get("auditor", "/console", 403)["type"] == "urn:gdbos:problem:forbidden"


def test_the_home_page_tells_what_needs_attention(node: Node) -> None:
    assert "Needs attention" not in node.get("operator", "/console")
    node.site.unit(park)
    assert "Needs attention" in node.get("operator", "/console")


@pytest.mark.parametrize(
    "path",
    ["elements/no-such", "codes/no-such", "records/no-such", "codes/supervision.card?after=no-such", "lists/no-such"],
)
def test_what_the_standards_do_not_hold_is_not_found(node: Node, path: str) -> None:
    node.get("operator", f"/console/standards/{path}", 404)


def test_long_lists_of_standards_page_by_key(node: Node) -> None:
    first = node.get("operator", "/console/standards/codes/gbt3304.nation")
    assert 'rel="next"' in first
    rest = node.get("operator", "/console/standards/codes/gbt3304.nation?after=50")
    assert "Back to the first page" in rest


DATED = """
[[list]]
id = "dated"
title = { zh = "有期限的", en = "Dated" }
from = 2024-01-01
code = [{ code = "1", title = { zh = "旧", en = "Old" }, until = 2025-01-01 }, { code = "2", title = { zh = "新", en = "New" }, from = 2025-01-01 }]
"""
PLACES = (
    "",
    "/search?q=dated",
    "/elements?q=姓名",
    "/elements/uscc",
    "/lists/codes",
    "/lists/deadlines",
    "/codes/dated",
    "/crosswalks/gx.material-source/nanning.material-source",
    "/records/person",
    "/items/deadlines/licence-decision",
    "/drift?against=guangxi",
)


def test_standards_are_browsed_as_of_a_day_and_their_links_keep_it(node: Node) -> None:
    for path in PLACES:
        shown = node.get("operator", f"/console/standards{path}{'&' if '?' in path else '?'}on=2024-06-01")
        assert 'name="on" value="2024-06-01"' in shown, path
        assert "not as of today" in shown, path
        links = re.findall(r'href="(/console/standards/(?!deadline|identifiers|editions|proposals)[^"]*)"', shown)
        assert [one for one in links if "on=2024-06-01" not in one] == [], path
        assert "not as of today" not in node.get("operator", f"/console/standards{path}"), path


def test_a_code_list_of_a_past_day_holds_the_codes_of_that_day(node: Node) -> None:
    past, now = (node.get("operator", f"/console/standards/codes/dated{on}") for on in ("?on=2024-06-01", "?on="))
    assert ("Old" in past, "New" in past) == (True, False)
    assert ("Old" in now, "New" in now) == (False, True)
    assert (
        "not in force on 2023-06-01"
        in node.get("operator", "/console/standards/codes/dated?on=2023-06-01", 404)["detail"]
    )
    assert "/codes/dated" not in node.get("operator", "/console/standards/lists/codes?on=2023-06-01")


def test_what_is_no_day_is_said_on_the_page(node: Node) -> None:
    headers = node.as_("operator") | {"accept": "text/html"}
    for path in PLACES:
        address = f"/console/standards{path}{'&' if '?' in path else '?'}on=2024-13-45"
        answer = node.site.client.get(address, headers=headers)
        assert answer.status_code == 422, path
        assert "This is not a day; write it as 2026-01-31." in answer.text, path


def test_an_element_names_its_authoritative_source(node: Node) -> None:
    shown = node.get("operator", "/console/standards/elements/uscc")
    assert "market-regulation" not in shown
    assert "Market regulation" in shown


# The command line of a node that is not running.


@pytest.fixture
def stopped(tmp_path: Path, database: str) -> Iterator[tuple[Path, list[UUID]]]:
    with serving(deployment(tmp_path, database=database)) as site:
        parked = site.unit(park, count=2)
    yield tmp_path / "deployment.toml", parked


def dlq_run(path: Path, *arguments: str) -> Any:
    return CliRunner().invoke(dlq, arguments, obj=Context(path))


def test_an_offline_node_lists_shows_retries_and_drops(stopped: tuple[Path, list[UUID]]) -> None:
    path, (first, second) = stopped
    listed = dlq_run(path, "list")
    assert listed.exit_code == 0, listed.output
    shown = dlq_run(path, "show", str(first), "acme.hello.note")
    assert shown.exit_code == 0, shown.output
    assert dlq_run(path, "retry", str(first), "acme.hello.note").exit_code == 0
    assert dlq_run(path, "retry", str(first), "acme.hello.note").exit_code != 0
    assert dlq_run(path, "drop", str(second), "acme.hello.note").exit_code == 2
    assert dlq_run(path, "drop", str(second), "acme.hello.note", "--reason", "by hand").exit_code == 0
    with serving(deployment(path.parent, database=Context(path).deployment.settings.database_url())) as site:
        assert [site.unit(letter_state, one) for one in (first, second)] == ["pending", "dropped"]


def test_letters_of_a_running_node_are_settled_from_the_command_line_too(node: Node) -> None:
    first, second = node.site.unit(park, count=2)
    path = node.folder / "deployment.toml"
    listed = dlq_run(path, "list", "--json")
    assert listed.exit_code == 0, listed.output
    assert dlq_run(path, "show", str(first), "acme.hello.note", "--json").exit_code == 0
    assert dlq_run(path, "retry", str(first), "acme.hello.note").exit_code == 0
    assert dlq_run(path, "drop", str(second), "acme.hello.note", "--reason", "by hand").exit_code == 0
    assert [node.site.unit(letter_state, one) for one in (first, second)] == ["pending", "dropped"]
