"""Packs online: drafts, four eyes, signed publication, notice or consent, withdrawal; the past stays as it was answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from gdbos.actor import Actor, plugin_actor
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.bus.service import CHANGED as SERVICES
from gdbos.bus.service import Provider, Service, register
from gdbos.config import Deployment
from gdbos.doctor import examine
from gdbos.errors import Conflict, Forbidden, Invalid
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.kernel import Kernel
from gdbos.ledger.tables import leaf, pending
from gdbos.standards import PackRefused, edition, review
from gdbos.standards.parcel import NOTE, files_of, signer_of, unzipped, zipped
from gdbos.testing import OPERATOR, Site, deployment, postgres_database, serving
from gdbos.text import Text
from gdbos.unit import Run, Unit

from .planted import PLANTED

PASSWORD = "a long sentence nobody guesses"
HASHED = hashed(PASSWORD)
OTHER = "11450100MADEM0046H"
HEAD = """
id = "{id}"
version = "{version}"
title = {{ zh = "{id}" }}
publisher = {{ zh = "{id}" }}
level = "{level}"
extends = {extends}
"""
ELEMENT = """
[[element]]
id = "mark"
title = {{ zh = "标记", en = "Mark" }}
form = "{form}"
"""
LIST = 'id = "colour"\ntitle = { zh = "颜色" }\n[[code]]\ncode = "r"\ntitle = { zh = "红" }\n'
RECORDS = """
[[record]]
id = "asked"
title = { zh = "问" }
field = [{ name = "mark", element = "mark" }]
[[record]]
id = "told"
title = { zh = "答" }
field = [{ name = "mark", element = "mark" }, { name = "other", element = "other" }]
"""
ROLES = """
[[document]]
id = "manager"
title = { zh = "标准管理员" }
permissions = ["kernel.standards.*"]
scope = "body"
"""
BASE = {
    "elements/marks.toml": ELEMENT.format(form="an..18") + ELEMENT.format(form="an..9").replace("mark", "other"),
    "codes/colour.toml": LIST,
    "records/records.toml": RECORDS,
    "roles/roles.toml": ROLES,
}


def files(version: str, form: str = "an..20", id: str = "base", **more: str) -> dict[str, bytes]:
    """Version ``version`` of the base pack with the element ``mark`` in ``form``."""
    elements = ELEMENT.format(form=form) + ELEMENT.format(form="an..9").replace("mark", "other")
    head = HEAD.format(id=id, version=version, level="national", extends="[]")
    named = BASE | {"pack.toml": head, "elements/marks.toml": elements}
    named |= {name.replace("__", "/") + ".toml": text for name, text in more.items()}
    return {name: text.encode() for name, text in named.items()}


def place(folder: Path) -> Path:
    """The base pack and a county's over it, as they ship."""
    base = files("1", "an..18")
    county = {
        "pack.toml": HEAD.format(id="county", version="1", level="county", extends='["base"]').encode(),
        "elements/own.toml": ELEMENT.format(form="an..5").replace("mark", "own").encode(),
        "records/own.toml": b'id = "own"\ntitle = { zh = "own" }\nfield = [{ name = "m", element = "mark" }]\n',
    }
    for pack, written in (("base", base), ("county", county)):
        for name, content in written.items():
            path = folder / pack / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def settled(folder: Path, database: str = "", signer: str = "") -> Deployment:
    extra = (
        f'[standards]\npacks = ["base", "county"]\nfolders = ["{place(folder / "packs")}"]\nsigners = ["{signer}"]\n'
    )
    extra = extra if signer else extra.replace('signers = [""]\n', "")
    return deployment(folder, database=database, extra=extra)


def people(unit: Unit) -> None:
    for uscc in (OPERATOR, OTHER):
        register_body(unit, Body(uscc=uscc, name=Text(uscc, uscc), division="450100", level="city"))
    for login, body in (("ann", OPERATOR), ("ben", OPERATOR), ("tax", OTHER)):
        account = open_account(unit, login=login, password_hash=HASHED, name=login, kind="official")
        appoint(unit, account, body=body, role_id="manager")


class Desk:
    """The addresses of one node, as different officials call them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.today = site.kernel.units.around.today()
        self.headers = {who: site.sign_in(who, PASSWORD) | {"accept-language": "en"} for who in ("ann", "ben", "tax")}

    def get(self, path: str, status: int = 200, who: str = "ann") -> Any:
        answer = self.site.client.get(f"/api/standards/{path}", headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def post(self, path: str, status: int = 200, who: str = "ben", **body: Any) -> Any:
        answer = self.site.client.post(f"/api/standards/editions/{path}", json=body, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer.json()

    def draft(self, pack: dict[str, bytes], status: int = 201, who: str = "ann") -> Any:
        sent = {"file": ("pack.zip", zipped(pack), "application/zip")}
        answer = self.site.client.post("/api/standards/editions", files=sent, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer.json()["id"] if status == 201 else answer.json()

    def form(self, on: Any = None) -> str:
        found: str = self.get(f"elements/mark?on={on or self.today}")["form"]
        return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(settled(tmp_path_factory.mktemp("editions")), prepare=people) as site:
        yield Desk(site)


@pytest.fixture(autouse=True)
def as_shipped(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test published on the shared node is withdrawn after it."""
    yield
    if "desk" in request.fixturenames:
        desk = request.getfixturevalue("desk")
        for one in desk.get("editions?of=published")["editions"]:
            agreed(desk, one["id"])
            desk.post(f"{one['id']}/withdraw", reason="the test is over", on=max(one["since"], str(desk.today)))


def agreed(desk: Desk, id: str) -> None:
    """Everybody whom the next act on an edition would break agrees."""
    for one in desk.get(f"editions/{id}/review")["affected"]:
        if one["consent"] is None:
            who = "tax" if one["body"] == OTHER else "ben"
            desk.post(f"{id}/consent", who=who, consumer=one["consumer"], reason="ready")


def acts(unit: Unit) -> str:
    rows = [*unit.execute(select(pending.c.leaf)).scalars(), *unit.execute(select(leaf.c.leaf)).scalars()]
    return b"\n".join(rows).decode("utf-8", "replace")


def test_a_draft_is_reviewed_in_words_published_by_another_and_stands_at_once(desk: Desk) -> None:
    id = desk.draft(files("2"))
    found = desk.get(f"editions/{id}/review")
    assert found["faults"] == []
    assert [one["words"] for one in found["differences"]] == [
        {"zh": "数据元 mark(标记):最大长度 18 → 20", "en": "data element mark (Mark): maximum length 18 → 20"}
    ]
    later = str(desk.today + timedelta(days=30))
    assert "Nobody publishes what they drafted" in desk.post(f"{id}/publish", 403, "ann", reason="mine")["detail"]
    made = desk.post(f"{id}/publish", reason="longer marks", on=later)
    assert (made["state"], made["since"], made["decided_body"]) == ("published", later, OPERATOR)
    assert desk.form() == "an..18"
    assert desk.form(later) == "an..20"
    assert desk.post(f"{id}/publish", 409, "ben", reason="again")["detail"].startswith("The edition is published")
    recorded = desk.site.unit(acts)
    assert '"act":"standards.published"' in recorded
    assert made["digest"] in recorded


def test_what_was_answered_for_a_past_day_stays(desk: Desk) -> None:
    id = desk.draft(files("3", "an..18", codes__colour=LIST + '[[code]]\ncode = "g"\ntitle = { zh = "绿" }\n'))
    desk.post(f"{id}/publish", reason="a new colour")
    yesterday = desk.today - timedelta(days=1)
    assert [row["code"] for row in desk.get(f"codes/colour?on={desk.today}")["codes"]] == ["r", "g"]
    assert [row["code"] for row in desk.get(f"codes/colour?on={yesterday}")["codes"]] == ["r"]
    assert desk.post(f"{desk.draft(files('3.1', 'an..18'))}/publish", 422, reason="x", on=str(yesterday))


def test_a_withdrawn_edition_leaves_the_place_to_what_stood_before(desk: Desk) -> None:
    green = LIST + '[[code]]\ncode = "g"\ntitle = { zh = "绿" }\n'
    id = desk.draft(files("4", "an..18", codes__colour=green))
    desk.post(f"{id}/publish", reason="a new colour")
    tomorrow = desk.today + timedelta(days=1)
    assert desk.post(f"{id}/withdraw", reason="was wrong", on=str(tomorrow))["until"] == str(tomorrow)
    assert len(desk.get(f"codes/colour?on={desk.today}")["codes"]) == 2
    assert len(desk.get(f"codes/colour?on={tomorrow}")["codes"]) == 1
    assert "only a published one" in desk.post(f"{id}/withdraw", 409, reason="again")["detail"]
    assert '"act":"standards.withdrawn"' in desk.site.unit(acts)


def test_a_published_version_never_changes(desk: Desk) -> None:
    first, second = desk.draft(files("5", "an..18")), desk.draft(files("5", "an..18", codes__colour=LIST))
    desk.post(f"{first}/publish", reason="first")
    assert "published already" in desk.post(f"{second}/publish", 409, reason="again")["detail"]
    shipped = desk.draft(files("1", "an..19"))
    assert desk.get(f"editions/{shipped}/review")["faults"][0]["rule"] == "version"


def test_a_faulty_draft_is_told_file_line_rule_and_hint_and_the_node_keeps_what_it_has(desk: Desk) -> None:
    id = desk.draft(files("6", elements__more=ELEMENT.format(form="an..3").replace("mark", "m2") + 'codes = "color"\n'))
    (fault,) = desk.get(f"editions/{id}/review")["faults"]
    assert (fault["file"], fault["line"], fault["rule"]) == ("base/elements/more.toml", 6, "reference")
    assert fault["hint"] == "did you mean 'colour'?"
    assert "has 1 faults" in desk.post(f"{id}/publish", 409, reason="please")["detail"]
    assert desk.form() == "an..18"
    assert desk.post(f"{id}/refuse", reason="no such list")["state"] == "refused"
    assert "only a draft" in desk.post(f"{id}/refuse", 409, reason="again")["detail"]


def test_each_planted_fault_is_refused_and_the_node_keeps_running_on_what_it_has(desk: Desk) -> None:
    before = desk.site.kernel.standards
    for number, (planted, rule, key) in enumerate(PLANTED.values()):
        id = desk.draft(files(f"p{number}", "an..18", **planted))
        faults = desk.get(f"editions/{id}/review")["faults"]
        assert (rule, key) in {(one["rule"], one.get("key", "")) for one in faults}
        assert all(one["file"] and one["hint"] for one in faults)
        assert "faults, the first" in desk.post(f"{id}/publish", 409, reason="please")["detail"]
    assert desk.site.kernel.standards is before


def test_the_examples_of_a_draft_are_tried(desk: Desk) -> None:
    wrong = '[[valid]]\nkind = "code"\nid = "colour"\nvalue = "x"\n'
    id = desk.draft(files("7", "an..18", examples__all=wrong))
    assert [one["rule"] for one in desk.get(f"editions/{id}/review")["faults"]] == ["example"]


def test_a_draft_that_would_break_another_pack_says_so(desk: Desk) -> None:
    id = desk.draft(files("8", "an..18", records__records="").copy() | {"elements/marks.toml": b""})
    faults = desk.get(f"editions/{id}/review")["faults"]
    assert {(one["rule"], one["file"]) for one in faults} == {("reference", "county/records/own.toml")}


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"no zip", "not a ZIP"),
        (zipped({"elements/x.toml": b""}), "no pack.toml"),
        (zipped({"pack.toml": b"", "run.sh": b""}), "run.sh is neither"),
        (zipped({"pack.toml": b"id ="}), "toml"),
        (zipped({"pack.toml": b'id = "../x"'}), "pattern"),
    ],
)
def test_what_is_no_pack_is_refused(desk: Desk, sent: bytes, says: str) -> None:
    answer = desk.site.client.post(
        "/api/standards/editions", files={"file": ("p.zip", sent, "application/zip")}, headers=desk.headers["ann"]
    )
    assert answer.status_code == 422
    assert says in answer.text


# Consumers.


def connect(unit: Unit) -> UUID:
    """A registered service that takes and gives marks, and the tax office's grant for one field of it."""
    service = Service(
        id="test.marks", title=Text("标记"), provider=Provider(body=OPERATOR), takes="asked", gives="told"
    )
    register(unit.connection, service, OPERATOR, "test", unit.now)
    unit.announce(SERVICES)
    grant = new_grant(body=OTHER, system="desk", service="test.marks", provider=OPERATOR, fields=("mark",))
    return decide(unit, draft(unit, grant), approve=True, reason="for the test").id


def test_consumers_that_would_break_agree_or_get_notice(desk: Desk) -> None:
    desk.site.unit(connect)
    id = desk.draft(files("9", "an..17"))
    found = desk.get(f"editions/{id}/review")
    broken = {one["consumer"]: [how["en"] for how in one["how"]] for one in found["affected"]}
    taxed = f"grant:{OTHER}/desk/test.marks"
    assert broken == {
        taxed: ["request field mark: data that was valid before will be refused"],
        "service:test.marks": ["reply field mark: data that was valid before will be refused"],
        "pack:county": ["record own uses data element mark: data that was valid before will be refused"],
    }
    refused = desk.post(f"{id}/publish", 409, reason="shorter")["detail"]
    assert taxed in refused
    assert str(desk.today + timedelta(days=30)) in refused
    assert "Only an official of the body" in desk.post(f"{id}/consent", 403, consumer=taxed, reason="x")["detail"]
    desk.post(f"{id}/consent", 404, consumer="grant:nobody", reason="x")
    desk.post(f"{id}/consent", who="tax", consumer=taxed, reason="our system is ready")
    assert "agreed already" in desk.post(f"{id}/consent", 409, "tax", consumer=taxed, reason="x")["detail"]
    assert taxed not in desk.post(f"{id}/publish", 409, reason="shorter")["detail"]
    for consumer in ("service:test.marks", "pack:county"):
        desk.post(f"{id}/consent", consumer=consumer, reason="ready")
    assert desk.post(f"{id}/publish", reason="shorter")["state"] == "published"
    assert desk.form() == "an..17"
    assert '"act":"standards.consent"' in desk.site.unit(acts)
    withdrawn_with_consent_or_notice(desk, id, taxed)


def withdrawn_with_consent_or_notice(desk: Desk, id: str, taxed: str) -> None:
    """Going back to 18 characters brings longer values to those who receive them; their word on the publication is spent."""
    found = desk.get(f"editions/{id}/review")
    assert {one["consumer"]: one["consent"] for one in found["affected"]} == {taxed: None, "service:test.marks": None}
    refused = desk.post(f"{id}/withdraw", 409, reason="back")["detail"]
    assert taxed in refused
    assert str(desk.today + timedelta(days=30)) in refused
    desk.post(f"{id}/consent", who="tax", consumer=taxed, reason="our system takes 18")
    assert taxed not in desk.post(f"{id}/withdraw", 409, reason="back")["detail"]
    desk.post(f"{id}/consent", consumer="service:test.marks", reason="ready")
    assert desk.post(f"{id}/withdraw", reason="back")["state"] == "withdrawn"
    assert desk.form() == "an..18"


# The files.


def test_a_published_parcel_carries_the_nodes_note_and_stands_elsewhere_only_with_its_key(
    desk: Desk, tmp_path: Path
) -> None:
    id = desk.draft(files("10", "an..18"))
    desk.post(f"{id}/publish", reason="to be passed on")
    pack = unzipped(desk.get(f"editions/{id}/parcel"))
    key = desk.get("editions")["signer"]
    assert pack[NOTE].decode().splitlines()[:2] == ["gdbos.450100/test/standards/1", "base 10"]
    again = desk.draft({**pack, "pack.toml": pack["pack.toml"].replace(b'"10"', b'"11"')}, 422)
    assert "pack.toml is not as gdbos.450100/test/standards/1 published it" in again["detail"]
    with pytest.raises(Invalid, match="whom this node does not know"):
        signer_of(pack, [])
    with serving(settled(tmp_path, signer=key), prepare=people) as other:
        elsewhere = Desk(other)
        elsewhere.draft(pack)
        assert elsewhere.get("editions")["editions"][0]["signer"] == "gdbos.450100/test/standards/1"


def test_a_changed_published_file_is_refused_by_name_and_the_database_restores_it(tmp_path: Path) -> None:
    where = settled(tmp_path)
    with serving(where, prepare=people) as site:
        desk = Desk(site)
        desk.post(f"{desk.draft(files('2', 'an..18', codes__colour=LIST.replace('红', '赤')))}/publish", reason="x")
    folder = tmp_path / "home" / "standards" / "base" / "2"
    changed = folder / "codes" / "colour.toml"
    changed.write_text(changed.read_text().replace("赤", "绿"))
    with pytest.raises(PackRefused, match=r"2/codes/colour\.toml: published: is not as version 2"):
        start(Kernel(where))
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    kernel = Kernel(where)
    start(kernel)
    assert kernel.standards.words("colour")["r"].zh == "赤"


def start(kernel: Kernel) -> None:
    async def once() -> None:
        async with kernel.running(background=False):
            pass

    asyncio.run(once())


# Many workers.


def official(id: str) -> Actor:
    return Actor(kind="official", id=id, body=OPERATOR, reach="node", permissions=frozenset({"kernel.*"}))


def test_workers_of_one_node_stand_under_a_publication_within_a_second_or_so(tmp_path: Path) -> None:
    async def go(database: str) -> None:
        where = settled(tmp_path, database)
        first, second = Kernel(where), Kernel(where)
        first.migrate()
        async with first.running(), second.running():
            ann, ben = Run(first.units, official("ann")), Run(first.units, official("ben"))
            one = await review.draft(
                first, ann, zipped(files("2", "an..18", codes__colour=LIST.replace("红", "赤"))), ""
            )
            two = await review.draft(first, ann, zipped(files("3", "an..18")), "")
            seen = await review.review(first, ben, two.id)
            await review.publish(first, ben, one.id, None, "x")
            published = time.monotonic()
            while second.standards.words("colour")["r"].zh != "赤":
                assert time.monotonic() - published < 20
                await asyncio.sleep(0.02)
            with pytest.raises(Conflict, match="review it again"):
                today = first.units.around.today()
                await ben(edition.publish, two.id, since=today, reason="", signer=first.shelf.signer(), against=[])
            assert seen.faults == []

    with postgres_database() as database:
        asyncio.run(go(database))


def test_nobody_publishes_their_own_even_past_the_addresses(desk: Desk) -> None:
    id = desk.draft(files("12", "an..18"))
    found = desk.site.unit(edition.get, UUID(id))

    def try_it(unit: Unit) -> None:
        edition.publish(unit, found.id, since=unit.today, reason="", signer=desk.site.kernel.shelf.signer(), against=[])

    with pytest.raises(Forbidden):
        desk.site.unit(try_it, actor=plugin_actor("x").__class__(kind="official", id=found.drafted_by, body=OPERATOR))
    desk.get(f"editions/{uuid4()}/review", 404)


# Pages.


def page(desk: Desk, path: str, who: str = "ben", status: int = 200, **form: Any) -> str:
    """A page of the console in English; with a form, what came of sending it."""
    headers = desk.headers[who]
    at = f"/console/standards/editions{path}"
    answer = (
        desk.site.client.post(at, data=form, headers=headers) if form else desk.site.client.get(at, headers=headers)
    )
    assert answer.status_code == status, answer.text
    return str(answer.text)


def test_a_pack_is_handed_in_reviewed_agreed_to_and_published_on_pages(desk: Desk) -> None:
    sent = {"file": ("pack.zip", zipped(files("20", "an..16")), "application/zip")}
    at = "/console/standards/editions"
    shown = desk.site.client.post(at, files=sent, data={"summary": "shorter still"}, headers=desk.headers["ann"])
    assert "You handed it in; somebody else publishes it." in shown.text
    assert "shorter still" in shown.text
    id = str(shown.url).rpartition("/")[2]
    assert f"{at}/{id}" in page(desk, "")
    reviewed = page(desk, f"/{id}")
    assert "data element mark (Mark): maximum length 18 → 16" in reviewed
    assert "It would break consumers that have not agreed" in reviewed
    assert "Only an official" in page(desk, f"/{id}/consent", "tax", 403, consumer="pack:county", reason="x")
    for one in desk.get(f"editions/{id}/review")["affected"]:
        who = "tax" if one["body"] == OTHER else "ben"
        page(desk, f"/{id}/consent", who, consumer=one["consumer"], reason="ready")
    assert "It can be published." in page(desk, f"/{id}")
    assert "This is not a day" in page(desk, f"/{id}/publish", status=422, reason="x", on="soon")
    assert "Published" in page(desk, f"/{id}/publish", reason="agreed by all", on="")
    assert desk.form() == "an..16"
    assert "Whom its withdrawal would break" in page(desk, f"/{id}")
    agreed(desk, id)
    assert "Withdrawn from" in page(desk, f"/{id}/withdraw", reason="on second thoughts")
    assert f"{at}/{id}" in page(desk, "?of=withdrawn")


def test_a_file_that_is_no_pack_comes_back_with_what_is_wrong(desk: Desk) -> None:
    sent = {"file": ("pack.zip", b"nothing", "application/zip")}
    answer = desk.site.client.post("/console/standards/editions", files=sent, headers=desk.headers["ann"])
    assert answer.status_code == 422
    assert "This is not a ZIP of a standards pack" in answer.text
    id = desk.draft(files("21", "an..18", elements__more=ELEMENT.format(form="x3").replace("mark", "m3")))
    assert "One fault keeps it from being published." in page(desk, f"/{id}")
    assert "base/elements/more.toml" in page(desk, f"/{id}")
    assert "Refused" in page(desk, f"/{id}/refuse", reason="see the faults")


def test_two_published_versions_are_compared_in_words(desk: Desk) -> None:
    green = LIST + '[[code]]\ncode = "g"\ntitle = { zh = "绿", en = "Green" }\n'
    old = desk.draft(files("50", "an..18"))
    desk.post(f"{old}/publish", reason="as before")
    new = desk.draft(files("51", "an..18", codes__colour=green))
    desk.post(f"{new}/publish", reason="a new colour", on=str(desk.today + timedelta(days=3)))
    (told,) = desk.get(f"editions/{new}/differences?against={old}")["differences"]
    assert told["words"]["en"] == "code list colour (颜色): code g none → Green"
    assert "code list colour (颜色): code g none → Green" in page(desk, f"/{new}/compare?against={old}")
    assert "code g Green → none" in page(desk, f"/{old}/compare?against={new}&on=2020-01-01")
    assert "Nothing." in page(desk, f"/{old}/compare?against=shipped")
    assert f'href="/console/standards/editions/{new}/compare"' in page(desk, f"/{new}")
    choice = page(desk, f"/{new}/compare")
    assert f'<option value="{old}">50 · Published' in choice
    for address, status in ((f"against={old}&on=soon", 422), ("against=nonsense", 400), (f"against={uuid4()}", 404)):
        page(desk, f"/{new}/compare?{address}", status=status)
    other = desk.draft(files("1", "an..18", id="elsewhere"))
    assert "two packs" in desk.get(f"editions/{other}/differences?against={old}", 409)["detail"]
    assert "does not ship" in desk.get(f"editions/{other}/differences", 404)["detail"]
    bare = files("52", "an..18", records__more='id = "more"\nfield = [{ name = "x", element = "nowhere" }]\n')
    assert "does not stand" in desk.get(f"editions/{desk.draft(bare)}/differences", 409)["detail"]


# What packs are written in, and what levels changed.


def test_schemas_are_served_and_levels_are_compared(desk: Desk) -> None:
    assert "elements" in desk.get("schemas")
    assert desk.get("schemas/elements")["title"] == "数据元 · data element"
    desk.get("schemas/nothing", 404)
    assert desk.get("drift/base?lower=county")["items"] == []
    desk.get("drift/nobody", 404)


def test_a_calendar_may_not_change_days_that_are_past(desk: Desk) -> None:
    def calendar(off: str) -> str:
        days = (
            f'[[off]]\nfrom = {off}\nuntil = {date.fromisoformat(off) + timedelta(days=1)}\ntitle = {{ zh = "假" }}\n'
        )
        return f'id = "cn"\nweekend = [6, 7]\npublished_from = 2020-01-01\npublished_until = 2099-01-01\n{days}'

    first = desk.draft(files("30", "an..18", calendars__cn=calendar("2020-01-01")))
    desk.post(f"{first}/publish", reason="a calendar")
    past = desk.draft(files("31", "an..18", calendars__cn=calendar("2020-01-02")))
    (fault,) = desk.get(f"editions/{past}/review")["faults"]
    assert (fault["rule"], "2020-01-01" in fault["detail"]) == ("past-day", True)
    coming = calendar("2020-01-01") + calendar("2098-01-02").partition("2099-01-01\n")[2]
    assert desk.get(f"editions/{desk.draft(files('32', 'an..18', calendars__cn=coming))}/review")["faults"] == []


def test_the_law_that_a_rule_rests_on_is_shown_and_one_that_has_ended_is_told(tmp_path: Path) -> None:
    where = settled(tmp_path)
    base = tmp_path / "packs" / "base"
    law = '[[basis]]\nid = "old-1"\ntitle = { zh = "旧条例 第一条", en = "Old rules, article 1" }\nuntil = 2020-01-01\n'
    (base / "pack.toml").write_text((base / "pack.toml").read_text() + law)
    marks = base / "elements" / "marks.toml"
    marks.write_text(marks.read_text().replace('form = "an..18"', 'form = "an..18"\nbasis = ["old-1"]'))
    with serving(where, prepare=people) as site:
        desk = Desk(site)
        shown = site.client.get("/console/standards/elements/mark", headers=desk.headers["ann"]).text
        assert "Old rules, article 1" in shown
        assert "ended" in shown
        assert "/console/standards/items/basis/old-1" in shown
        assert site.client.get("/console/standards/items/basis/old-1", headers=desk.headers["ann"]).status_code == 200
        id = desk.draft({name: content for name, content in files_of(base).items() if name != NOTE} | {"pack.toml": (base / "pack.toml").read_bytes().replace(b'version = "1"', b'version = "2"')})  # fmt: skip
        (fault,) = desk.get(f"editions/{id}/review")["faults"]
        assert (fault["rule"], fault["file"], fault["line"]) == ("ceased", "base/elements/marks.toml", 6)
    findings = {one.name: one for one in asyncio.run(examine(Kernel(where)))}
    assert "elements/mark on old-1" in findings["laws"].what
    assert findings["standards"].state == "ok"


def test_doctor_says_when_what_is_published_is_not_as_it_was_signed(tmp_path: Path) -> None:
    where = settled(tmp_path)
    with serving(where, prepare=people) as site:
        desk = Desk(site)
        desk.post(f"{desk.draft(files('2', 'an..18'))}/publish", reason="x")
    path = tmp_path / "home" / "standards" / "base" / "2" / "codes" / "colour.toml"
    path.write_text(path.read_text() + "\n")
    findings = {one.name: one for one in asyncio.run(examine(Kernel(where)))}
    assert findings["standards"].state == "fail"
    assert "2/codes/colour.toml" in findings["standards"].what


def test_who_does_not_agree_to_a_withdrawal_has_notice(desk: Desk) -> None:
    id = desk.draft(files("41", "an..15"))
    agreed(desk, id)
    desk.post(f"{id}/publish", reason="shorter")
    soon, later = (str(desk.today + timedelta(days=days)) for days in (29, 30))
    assert "or it is withdrawn 30 days from now" in desk.post(f"{id}/withdraw", 409, reason="back", on=soon)["detail"]
    assert desk.post(f"{id}/withdraw", reason="back", on=later)["until"] == later
    assert (desk.form(soon), desk.form(later)) == ("an..15", "an..18")
    refused = desk.post(f"{id}/consent", 409, consumer="service:test.marks", reason="x")
    assert refused["detail"] == "The edition is withdrawn; there is nothing to agree to."
