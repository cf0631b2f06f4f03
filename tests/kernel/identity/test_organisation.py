"""The organisation: bodies with their past, posts within limits, imports as plans, decisions explained, audit searched; over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select
from stdnum.cn import uscc

from gdbos.identity.account import account, find_account, open_account
from gdbos.identity.body import Body, names, register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.post import appoint, posts_of
from gdbos.testing import deployment, serving
from gdbos.text import Text

from .conftest import MARKET, PASSWORD_HASH, TAX, Clock, Served, pack_in


def code(number: int) -> str:
    """A unified social credit code of no body at all."""
    bare = f"1145010032179{number:04}"
    return bare + uscc.calc_check_digit(bare)


UPPER, LOWER = code(1), code(2)
API = "/api/identity"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("organisation")
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{pack_in(folder)}"]'
    with serving(deployment(folder, extra=extra), clock=clock) as site:
        made = Served(site)
        for number, above in ((UPPER, ""), (LOWER, UPPER)):
            new = Body(uscc=number, name=Text("某局"), division="450100", level="city", parent=above)
            site.unit(register_body, new, actor=IDENTITY)
        yield made


class Desk:
    """Somebody at work."""

    def __init__(self, served: Served, login: str) -> None:
        served.client.cookies.clear()
        self.served, self.headers = served, {**served.token(login), "accept-language": "en"}

    def __call__(self, method: str, path: str, status: int = 200, **sent: Any) -> Any:
        self.served.client.cookies.clear()
        answered = self.served.client.request(method, path, headers=self.headers, follow_redirects=False, **sent)
        assert answered.status_code == status, answered.text
        is_json = answered.headers.get("content-type", "").startswith("application/json")
        return answered.json() if is_json and answered.content else answered

    def page(self, path: str, status: int = 200, **sent: Any) -> str:
        method = "POST" if sent else "GET"
        return str(self(method, path, status, **sent).text)


@pytest.fixture(scope="module")
def guard(served: Served) -> Desk:
    return Desk(served, "guard")


def body_of(number: str, zh: str, **more: Any) -> dict[str, Any]:
    return {"uscc": number, "name": {"zh": zh, "en": ""}, "division": "450100", "level": "city", **more}


# Bodies and their past.


def test_a_body_renamed_keeps_the_name_old_cases_bear(served: Served, guard: Desk, clock: Clock) -> None:
    before = served.site.unit(lambda unit: unit.today)
    guard("POST", f"{API}/bodies", 201, json=body_of(code(9), "南宁市工商局"))
    clock.forward(days=30)
    guard.headers |= Desk(served, "guard").headers
    guard("POST", f"{API}/bodies", 201, json=body_of(code(9), "南宁市市场监管委"))
    past = guard("GET", f"{API}/bodies/{code(9)}/history")
    assert [(one["name"]["zh"], one["until"]) for one in past] == [("南宁市工商局", str(before + timedelta(days=30)))]
    for day, expected in (
        (before, "南宁市工商局"),
        (before + timedelta(days=30), "南宁市市场监管委"),
        (None, "南宁市市场监管委"),
    ):
        assert served.site.unit(lambda unit, day=day: names(unit, [code(9)], day))[code(9)].zh == expected


def test_a_slip_mended_the_same_day_is_no_history(guard: Desk) -> None:
    for name in ("错名局", "正名局"):
        guard("POST", f"{API}/bodies", 201, json=body_of(code(3), name))
    assert [one["name"]["zh"] for one in guard("GET", f"{API}/bodies/{code(3)}/history")] == ["错名局"]
    guard("POST", f"{API}/bodies", 201, json=body_of(code(3), "再改局"))
    assert len(guard("GET", f"{API}/bodies/{code(3)}/history")) == 1


def test_a_body_stands_above_none_that_stands_above_it(guard: Desk) -> None:
    refused = guard("POST", f"{API}/bodies", 422, json=body_of(UPPER, "南宁市市场监管委", parent=LOWER))
    assert "lies below this one" in refused.text
    guard("POST", f"{API}/bodies", 422, json=body_of(LOWER, "下级局", parent=LOWER))


def test_a_body_taken_over_is_no_longer_acted_for_and_its_name_stays(served: Served, guard: Desk) -> None:
    old = code(4)
    guard("POST", f"{API}/bodies", 201, json=body_of(old, "旧局"))
    clerk = served.officials["taxman"]
    served.site.unit(appoint, clerk, body=old, role_id="leader", actor=IDENTITY)
    merged = guard("POST", f"{API}/bodies/{old}/merge", json={"into": UPPER})
    assert (merged["active"], merged["successor"]) == (False, UPPER)
    assert old not in [one.body for one in served.site.unit(posts_of, clerk)]
    assert served.site.unit(names, [old])[old].zh == "旧局"
    guard("POST", f"{API}/bodies/{old}/merge", 404, json={"into": UPPER})
    guard("POST", f"{API}/bodies/{UPPER}/merge", 409, json={"into": UPPER})


# Posts within limits.


def test_a_post_is_limited_to_a_division_at_or_below_its_bodys_own(served: Served, guard: Desk) -> None:
    leader = str(served.officials["examiner"])
    wanted = {"account": leader, "body": MARKET, "role": "leader"}
    guard("POST", f"{API}/posts", 422, json={**wanted, "area": "450200"})
    guard("POST", f"{API}/posts", 201, json={**wanted, "area": "450103", "matters": ["place.hygiene-licence"]})
    held = [
        one for one in guard("GET", f"{API}/posts")["items"] if one["account"] == leader and one["role"] == "leader"
    ]
    assert [(one["area"], one["matters"]) for one in held] == [("450103", ["place.hygiene-licence"])]
    examiner = Desk(served, "examiner")
    post = next(one for one in examiner("GET", f"{API}/me")["posts"] if one["role"] == "leader")
    examiner("POST", f"{API}/me/post", 204, json={"post_id": post["id"]})
    me = examiner("GET", f"{API}/me")
    assert (me["division"], me["reach"]) == ("450103", "division")


# Imports.


def table(*rows: str) -> dict[str, Any]:
    return {"file": ("t.csv", "\n".join(rows).encode(), "text/csv")}


def workbook(*rows: tuple[str, ...]) -> dict[str, Any]:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return {"file": ("t.xlsx", out.getvalue(), "application/octet-stream")}


def test_an_import_is_shown_row_by_row_before_it_is_one_act(served: Served, guard: Desk) -> None:
    sent = workbook(
        ("统一社会信用代码", "机构名称", "行政区划代码", "层级", "上级机构"),
        (code(5), "新设一局", "450100", "市", UPPER),
        (code(5) + "X", "坏码局", "450100", "市", ""),
        (MARKET, "南宁市市场监督管理局", "450100", "市", UPPER),
        (LOWER, "某局", "450100", "市", UPPER),
    )
    planned = guard("POST", f"{API}/imports", files=sent, data={"kind": "bodies"})
    states = [(one["number"], one["state"]) for one in planned["plan"]["rows"]]
    assert states == [(2, "created"), (3, "refused"), (4, "changed"), (5, "unchanged")] and not planned["applied"]
    assert "not a valid" in planned["plan"]["rows"][1]["reason"]
    known = {one["uscc"] for one in guard("GET", f"{API}/bodies", params={"limit": 200})["items"]}
    assert code(5) not in known  # a plan leaves nothing behind
    done = guard("POST", f"{API}/imports", files=sent, data={"kind": "bodies", "digest": planned["plan"]["digest"]})
    assert done["applied"]
    assert code(5) in {one["uscc"] for one in guard("GET", f"{API}/bodies", params={"limit": 200})["items"]}
    guard("POST", f"{API}/imports", 400, files=sent, data={"kind": "bodies", "digest": planned["plan"]["digest"]})


def test_a_plan_that_no_longer_holds_is_not_applied(guard: Desk) -> None:
    sent = table("uscc,name,division,level", f"{code(7)},七局,450100,city", f"{code(8)},八局,450100,city")
    planned = guard("POST", f"{API}/imports", files=sent, data={"kind": "bodies"})["plan"]
    guard("POST", f"{API}/bodies", 201, json=body_of(code(7), "七局"))
    guard("POST", f"{API}/imports", 409, files=sent, data={"kind": "bodies", "digest": planned["digest"]})


def test_officials_come_with_their_posts_and_a_password_told_once(served: Served, guard: Desk) -> None:
    sent = table(
        "登录名,姓名,所在机构,岗位,截止日期",
        f"li.lei,李雷,{MARKET},examiner,2030-01-01",
        f"guard,卫,{MARKET},audit-administrator,",
        f"han,韩梅梅,{MARKET},no-such-role,",
        f"=cmd(),坏,{MARKET},examiner,",
        f"li.li,李莉,{MARKET},examiner,bald",
    )
    planned = guard("POST", f"{API}/imports", files=sent, data={"kind": "officials"})["plan"]
    assert [one["state"] for one in planned["rows"]] == ["created", "refused", "refused", "refused", "refused"]
    assert served.site.unit(find_account, "li.lei") is None
    done = guard("POST", f"{API}/imports", files=sent, data={"kind": "officials", "digest": planned["digest"]})
    assert list(done["passwords"]) == ["li.lei"]
    assert served.token("li.lei", done["passwords"]["li.lei"], first=True)
    again = guard("POST", f"{API}/imports", files=sent, data={"kind": "officials"})["plan"]
    assert again["rows"][0]["state"] == "unchanged"
    guard("POST", f"{API}/imports", 400, files=sent, data={"kind": "officials", "digest": again["digest"]})


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (table("login,name", "a,b"), 422),
        (table("uscc,name,division,level,level", "a,b,c,d,e"), 422),
        (table("uscc,name,division,level,colour", "a,b,c,d,e"), 422),
        (table("uscc,name,division,level", *["a,b,c,d"] * 2001), 413),
        ({"file": ("t.xlsx", b"PK\x03\x04 no workbook", "application/octet-stream")}, 415),
    ],
)
def test_a_table_that_cannot_be_planned_says_why(guard: Desk, sent: dict[str, Any], status: int) -> None:
    guard("POST", f"{API}/imports", status, files=sent, data={"kind": "bodies"})


def test_a_manager_imports_within_their_reach_only(served: Served) -> None:
    sent = table("uscc,name,division,level", f"{TAX},改名局,450103,county")
    plan = Desk(served, "manager")("POST", f"{API}/imports", files=sent, data={"kind": "bodies"})["plan"]
    assert [one["state"] for one in plan["rows"]] == ["refused"] and "outside the reach" in plan["rows"][0]["reason"]


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("bodies", ("uscc,name,division,level", f"{code(11)},十一局,450100,city")),
        ("officials", ("login,name,body,role", f"nobody.yet,新人,{MARKET},examiner", f"taxman,旧人,{MARKET},examiner")),
    ],
)
def test_the_right_to_import_gives_no_right_to_do_what_rows_do(
    served: Served, kind: str, rows: tuple[str, ...]
) -> None:
    if served.site.unit(find_account, "importer") is None:
        made = served.site.unit(
            open_account, login="importer", password_hash=PASSWORD_HASH, name="I", kind="official", actor=IDENTITY
        )
        served.site.unit(appoint, made, body=MARKET, role_id="importer", actor=IDENTITY)
    plan = Desk(served, "importer")("POST", f"{API}/imports", files=table(*rows), data={"kind": kind})["plan"]
    assert {one["state"] for one in plan["rows"]} == {"refused"}
    assert all("You lack the permission" in one["reason"] for one in plan["rows"])


# What pages show.


def test_the_pages_of_the_organisation_do_what_their_forms_say(served: Served, guard: Desk) -> None:
    assert "Nanning Market Regulation Bureau" in guard.page("/console/organisation?q=市场监督")
    shown = guard.page(f"/console/organisation/{MARKET}")
    assert "manager" in shown and "Give a post" in shown
    form = {"login": "leader", "role": "examiner", "area": "", "matters": "", "until": ""}
    assert (
        guard("POST", f"/console/organisation/{MARKET}/posts", 303, data=form)
        .headers["location"]
        .endswith("done=appointed")
    )
    assert "already holds the role" in guard.page(f"/console/organisation/{MARKET}/posts", 409, data=form)
    assert "Nobody gives" in guard.page(f"/console/organisation/{MARKET}/posts", 403, data={**form, "login": "guard"})
    held = [one for one in served.site.unit(posts_of, served.officials["leader"]) if one.role == "examiner"]
    guard("POST", f"/console/organisation/{MARKET}/posts/{held[0].id}/end", 303)
    entry = {"uscc": MARKET, "name": "南宁市市监局", "name_en": "", "division": "450100", "level": "city", "parent": ""}
    guard("POST", "/console/organisation", 303, data=entry)
    assert "What it was before" in guard.page(f"/console/organisation/{MARKET}")
    assert (
        "there is no" in guard.page(f"/console/organisation/{MARKET}/posts", 404, data={**form, "login": "x"}).lower()
    )


def test_the_import_page_shows_the_plan_and_applies_that_plan(guard: Desk) -> None:
    sent = table("uscc,name,division,level", f"{code(6)},页面局,450100,city", "1,坏局,450100,city")
    shown = guard.page("/console/import/plan", files=sent, data={"kind": "bodies"})
    digest = shown.split('name="digest" value="')[1].split('"')[0]
    assert "created 1" in shown and "refused 1" in shown
    fields = {
        "kind": "bodies",
        "digest": digest,
        "content": shown.split('<textarea name="content" hidden aria-hidden="true">')[1].split("</textarea>")[0],
    }
    assert "The plan is applied" in guard.page("/console/import/apply", data=fields)
    assert "页面局" in guard.page(f"/console/organisation/{code(6)}")


def test_the_matrix_is_what_the_packs_and_permissions_say(served: Served, guard: Desk) -> None:
    shown = guard.page("/console/roles")
    assert "kernel.identity.appoint" in shown and "Security administrator" in shown
    from gdbos.console.organisation import matrix

    found = served.site.unit(matrix, served.site.kernel.permissions)
    appoints = next(line for line in found.lines if line.permission.name == "kernel.identity.appoint")
    assert appoints.held_by == {"body-manager", "security-administrator"}


@pytest.mark.parametrize(
    ("actor", "action", "resource", "rule", "result"),
    [
        ("anonymous", "kernel.identity.read", "", "known", "denied"),
        ("manager", "kernel.identity.read", "", "permission", "allowed"),
        ("examiner/examiner", "kernel.identity.read", "", "permission", "denied"),
        ("manager", "kernel.identity.read", f"division=450100 body={MARKET}", "reach", "allowed"),
        ("manager", "kernel.identity.read", f"division=450103 body={TAX}", "reach", "denied"),
        ("system:market.registry", "kernel.bus.call", f"body={MARKET}", "reach", "allowed"),
        ("anna", "known", "subject=person:nobody", "reach", "denied"),
        ("guard", "kernel.identity.appoint", "division=990000", "reach", "allowed"),
    ],
)
def test_a_decision_is_explained_on_the_page_and_on_the_command_line(
    guard: Desk, actor: str, action: str, resource: str, rule: str, result: str
) -> None:
    shown = guard.page(f"/console/decisions?who={actor}&does={action}&to={resource}")
    assert result in shown and "Rules that spoke" in shown


def test_a_decision_about_nobody_says_so(guard: Desk) -> None:
    assert "Nobody acts here as" in guard.page("/console/decisions?who=nobody-at-all&does=known", 404)
    assert "A resource is" in guard.page("/console/decisions?who=anonymous&does=known&to=x", 400)


def test_the_audit_administrator_finds_an_act_by_its_kind_actor_object_and_day(served: Served, guard: Desk) -> None:
    site = served.site
    auditor = site.unit(lambda unit: unit.execute(select(account.c.id).where(account.c.login == "leader")).scalar())
    site.unit(appoint, auditor, body=MARKET, role_id="audit-administrator", actor=IDENTITY)
    desk = Desk(served, "leader")
    post = next(one for one in desk("GET", f"{API}/me")["posts"] if one["role"] == "audit-administrator")
    desk("POST", f"{API}/me/post", 204, json={"post_id": post["id"]})
    site.call(site.kernel.book.catch_up)
    assert "identity.post-given" in desk.page("/console/audit?act=identity.post")
    assert "identity.post-given" in desk.page(f"/console/audit?by=guard&of={MARKET}")
    assert "No entry here" in desk.page("/console/audit?act=identity.post&of=nothing-like-it")
    assert "No entry here" in desk.page("/console/audit?until=2020-01-01")
    assert "identity.post-given" in desk.page("/console/audit?act=identity.post&since=2026-11-01&until=2030-01-01")
    site.call(site.kernel.book.catch_up)
    assert "ledger.audit-searched" in desk.page("/console/audit?act=ledger.")
    guard("GET", "/console/audit", 403)
    first = desk.page("/console/audit?act=identity.")
    assert "before=" in first or first.count("identity.") < 51


def test_a_colleague_is_asked_to_stand_in_on_a_page(served: Served) -> None:
    manager = Desk(served, "manager")
    assert "Let somebody stand in" in manager.page("/workbench/delegations")
    day = served.site.unit(lambda unit: unit.today) + timedelta(days=3)
    form = {"post": str(served.posts["manager"]), "to": "examiner", "until": str(day), "matters": ""}
    manager("POST", "/workbench/delegations", 303, data=form)
    assert "already" in manager.page("/workbench/delegations", 409, data=form)
    given = manager("GET", f"{API}/delegations")
    assert [(one["holder"], one["delegate"], one["revoked"]) for one in given] == [("manager", "examiner", False)]
    manager("POST", f"/workbench/delegations/{given[0]['id']}/revoke", 303)
    assert manager("GET", f"{API}/delegations")[0]["revoked"]
    more = {"post": str(served.posts["manager"]), "to": "examiner", "until": str(day)}
    manager("POST", f"{API}/delegations", 201, json=more)
    manager("DELETE", f"{API}/delegations/{manager('GET', f'{API}/delegations')[0]['id']}", 204)
