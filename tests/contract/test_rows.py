"""Rows that are somebody else's: 404 at every address that names one, as if they were not there; never 403, never 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from gdbos import canary
from gdbos.ids import new_id
from gdbos.unit import Unit

from .demo import BEN, BODIES, HEALTH, SEAL, City
from .sample import body_schema, sample
from .test_routes import Cell, cells
from .test_routes import everybody as everybody

PLACE = "place.hygiene-licence"
ANSWERS = {
    "uscc": "91450103MADEM00112",
    "enterprise-name": "南宁示例商贸有限公司",
    "registered-address": "广西南宁市青秀区示范路1号",
    "legal-representative-name": "韦示例",
    "enterprise-phone": "0771-0000001",
    "place-hygiene-kind": ["1"],
    "premises-area": 120,
    "staff-count": 6,
    "delivery-way": "1",
    "agent-citizen-id": "450103198503129995",
    "agent-name": "韦示例",
    "agent-mobile": "13800000001",
}
GUIDANCE = {"employees": "1", "seal": "1", "invoices": "1", "bank": "901"}
ROWS = {
    "card_id": "oversight_card",
    "ticket_id": "quality_ticket",
    "request_id": "sharing_request",
    "task_id": "bus_recall",
    "seal_id": "bus_seal",
}
"""Rows that come about by clocks and other nodes, by the name a path gives them."""
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
    b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)
ELSEWHERE = ("approver.elsewhere", "window-clerk.elsewhere", "examiner.elsewhere", "body-manager.elsewhere")
COLLEAGUES = ("data-steward", "catalogue-manager", "approver.limited", "examiner.standin")
STRANGERS = ("ben", "anna.agent", *ELSEWHERE, *COLLEAGUES, "tax.desk")
"""Another applicant, Anna's own agent for other matters, officials of another body, officials of the same body whose posts have
nothing to do with cases or are for other matters (their own, or one they stand in at), a system without a grant."""
THEIRS = {"ben": {"mandate_id"}, "anna.agent": {"bundle_id", "mandate_id"}, "examiner.standin": {"delegation_id"}}
"""What strangers may see for a reason of their own: a party its mandate or delegation, an agent the bundle one case of which is theirs."""


class Annas:
    """What Anna has at this node, by the name a path gives it."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.ids: dict[str, str] = {}

    def make(self) -> None:
        """A case on its way, one that ended with a licence, a bundle, a file, a mandate, a session, and her system's grant."""
        self.ids["case_id"] = self.case()
        ended = self.case()
        for step in ("accept", "approve"):
            self.done(
                "approver", "POST", f"/api/services/cases/{ended}/{step}", {"reason": ""} if step == "approve" else None
            )
        self.city.settle()
        self.ids["licence_id"] = self.done("anna", "GET", "/api/services/licences")["licences"][0]["id"]
        begun = self.done(
            "anna", "POST", "/api/services/bundles", {"bundle": "enterprise-opening", "guidance": GUIDANCE}
        )
        self.ids["bundle_id"] = begun["id"]
        self.ids["file_id"] = self.file(case=self.ids["case_id"], matter=PLACE, body=HEALTH)
        mandate = {"agent_citizen_id": BEN, "matters": [PLACE]}
        self.ids["mandate_id"] = self.done("anna", "POST", "/api/identity/mandates", mandate)["id"]
        self.ids["session_id"] = self.done("anna", "GET", "/api/identity/sessions")[0]["id"]
        grant = {"service": "gx.enterprise.name-check", "purpose": "to check"}
        self.ids["grant_id"] = self.done("health.desk", "POST", "/api/bus/grants", grant)["id"]
        self.ids |= self.offices() | {name: self.row(table) for name, table in ROWS.items()}

    def offices(self) -> dict[str, str]:
        """An official's account, post and delegation: the manager of the health commission lets the approver stand in."""
        held = self.done("body-manager", "GET", "/api/identity/me")
        until = str(self.city.site.unit(lambda unit: unit.today) + timedelta(days=30))
        given = {"post": held["post"], "to": "approver", "until": until}
        made = self.done("body-manager", "POST", "/api/identity/delegations", given)
        return {"account_id": held["id"], "post_id": held["post"], "delegation_id": made["id"]}

    def row(self, name: str) -> str:
        """A row of the public security bureau's in the table ``name``, as the watch over foreign rows makes its own."""
        row = new_id()

        def put(unit: Unit) -> None:
            (table, scope), *_ = (found for found in canary.scoped(self.city.site.kernel) if found[0].name == name)
            canary.put(unit, table, scope, row, "ANNAS", division="450100", body=BODIES["public-security"])

        self.city.site.unit(put)
        return str(row)

    def case(self) -> str:
        made = self.done("anna", "POST", "/api/services/cases", {"matter": PLACE})["id"]
        self.done("anna", "POST", f"/api/services/cases/{made}/submit", {"answers": ANSWERS})
        return str(made)

    def file(self, **place: str) -> str:
        """A file that she handed in, for a case or not yet."""
        sent = self.sent("anna", **place)
        assert sent.status_code == 201, sent.text
        return str(sent.json()["id"])

    def sent(self, who: str, **place: str) -> Any:
        picture = {"file": ("a.png", PNG, "image/png")}
        return self.city.client.post("/api/files", files=picture, data=place, headers=self.city.as_(who))

    def ask(self, who: str, method: str, path: str, json: Any = None) -> Any:
        return self.city.client.request(method, path, json=json, headers=self.city.as_(who))

    def done(self, who: str, method: str, path: str, json: Any = None) -> Any:
        answered = self.ask(who, method, path, json)
        assert answered.status_code in (200, 201), (path, answered.text)
        return answered.json()


@pytest.fixture(scope="module")
def annas(city: City) -> Annas:
    made = Annas(city)
    made.make()
    return made


@pytest.fixture(scope="module")
def document(city: City) -> dict[str, Any]:
    found: dict[str, Any] = city.client.get("/schema/openapi.json").json()
    return found


def with_rows(city: City) -> Iterator[Cell]:
    """Every handler whose address names a row."""
    for cell in cells(city.client.app):
        if re.search(r"\{\w+_id\}", cell.template) and not PUBLISHED & set(re.findall(r"\{(\w+)\}", cell.template)):
            yield cell


PUBLISHED = {"matter_id", "plan_id", "list_id", "element_id", "record_id", "item_id", "client_id"}
"""Ids of what the standards publish, or of what is asked for by name."""
OF_NOBODY = {
    "edition_id": "a draft of a standards pack, which every body reviews",
    "proposal_id": "a data element brought in, which any steward compares",
    "erasure_id": "an order to erase a subject, which administrators of the whole node confirm",
    "event_id": "a parked event, which those who run the node look after",
    "resource_id": "a data resource, which the catalogue shows to every body",
    "mount_id": "a data resource's place, shown with it",
    "objection_id": "an objection to a data resource, shown with it",
}
"""Ids of rows that are about no person, case or body's own business, and why they are not tried here."""


def asked(city: City, document: dict[str, Any], who: str, cell: Cell, path: str) -> Any:
    """Do what the handler does, with a body it can read."""
    operation = document["paths"].get(cell.template, {}).get(cell.method.lower(), {})
    schema = body_schema(operation, document)
    json = sample(schema, document) if schema else None
    return city.client.request(cell.method, path, json=json, headers=city.as_(who), follow_redirects=False)


def hidden(cell: Cell, answered: Any) -> bool:
    """Whether the answer is that of a row that is not there.

    A page reads its form first, and may say what is wrong with it. A refusal may speak of who is asking (a system has no
    account, nobody granted it the service) if it is the same whatever row is asked for: see :func:`said`.
    """
    page = not cell.template.startswith("/api/")
    if answered.status_code == 403:
        return any(words in answered.text for words in OF_THE_CALLER)
    return answered.status_code == 404 or (page and cell.method == "POST" and answered.status_code in (400, 422))


OF_THE_CALLER = ("have logged in with an account", "problem:no-grant", "Only the applicant fills in")


def said(answered: Any) -> tuple[int, str]:
    """What an answer tells, but for its trace and the id that was asked for."""
    detail = answered.json().get("detail", "") if answered.text.startswith("{") else ""
    return answered.status_code, re.sub(r"[0-9a-f-]{36}", "…", detail)


def test_what_is_not_there_is_not_there_for_anybody(
    city: City, document: dict[str, Any], everybody: dict[str, list[str]]
) -> None:
    wrong, tried = [], 0
    for cell in with_rows(city):
        for who in (who for who in everybody if who and cell.asked(who, everybody[who])):
            answered = asked(city, document, who, cell, re.sub(r"\{\w+\}", lambda _: str(uuid4()), cell.template))
            tried += 1
            if not hidden(cell, answered):
                wrong.append((who, cell.method, cell.template, answered.status_code, answered.text[:200]))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 100


def test_what_is_annas_is_not_there_for_strangers(
    city: City, document: dict[str, Any], annas: Annas, everybody: dict[str, list[str]]
) -> None:
    rights = everybody | {who: everybody[who.partition(".")[0]] for who in STRANGERS if who not in everybody}
    wrong, tried = [], 0
    for cell in with_rows(city):
        names = set(re.findall(r"\{(\w+)\}", cell.template))
        if names & set(OF_NOBODY):
            continue
        template = cell.template.replace("{uscc}", BODIES["health"])
        path, nowhere = template.format(**annas.ids), re.sub(r"\{\w+\}", lambda _: str(uuid4()), template)
        for who in STRANGERS:
            if names & THEIRS.get(who, set()):
                continue
            answered = asked(city, document, who, cell, path)
            tried += 1
            may = cell.asked(who, rights[who])
            nothing = asked(city, document, who, cell, nowhere)
            right = hidden(cell, answered) if may else answered.status_code == 403
            if not right or said(answered) != said(nothing):
                wrong.append((who, cell.method, cell.template, answered.status_code, answered.text[:200]))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 400


def test_every_name_of_a_row_is_tried_or_says_why_not(city: City, annas: Annas) -> None:
    named = {name for cell in with_rows(city) for name in re.findall(r"\{(\w+_id)\}", cell.template)}
    assert named - set(annas.ids) - set(OF_NOBODY) == set()
    assert set(OF_NOBODY) <= named


def test_an_agent_for_one_matter_of_a_bundle_sees_that_case_of_it_and_no_form(city: City, annas: Annas) -> None:
    """The one form holds what every department asks."""
    bundle = f"/api/services/bundles/{annas.ids['bundle_id']}"
    assert [one["matter"] for one in annas.done("anna.agent", "GET", bundle)["children"]] == [SEAL]
    assert len(annas.done("anna", "GET", bundle)["children"]) == 7
    for method, path in (("GET", "/form"), ("PUT", "/answers"), ("POST", "/submit")):
        asked = {"answers": {}} if method != "GET" else None
        assert annas.ask("anna.agent", method, bundle + path, asked).status_code == 404, path
    assert annas.done("anna", "GET", f"{bundle}/form")["bundle"] == annas.ids["bundle_id"]


def test_a_limited_agent_says_for_which_case_a_file_is(city: City, annas: Annas) -> None:
    """And sees none that is for no matter yet, though it be of the one they act for."""
    free = annas.file()
    assert annas.ask("anna", "GET", f"/api/files/{free}").status_code == 200
    assert annas.ask("anna.agent", "GET", f"/api/files/{free}").status_code == 404
    children = annas.done("anna", "GET", f"/api/services/bundles/{annas.ids['bundle_id']}")["children"]
    seal, other = (next(one for one in children if (one["matter"] == SEAL) is ours) for ours in (True, False))
    assert annas.sent("anna.agent").status_code == 422
    assert annas.sent("anna.agent", **place_of(other)).status_code == 404
    made = annas.sent("anna.agent", **place_of(seal))
    assert made.status_code == 201, made.text
    for who in ("anna", "anna.agent"):
        assert annas.ask(who, "GET", f"/api/files/{made.json()['id']}").status_code == 200


def place_of(child: dict[str, Any]) -> dict[str, str]:
    return {name: child[name] for name in ("case", "matter", "body")}


def test_what_is_annas_is_there_for_her_and_for_the_body_that_handles_it(city: City, annas: Annas) -> None:
    """Or the two tests above would hold for a node that shows nothing to anybody."""
    ids = annas.ids
    for who in ("anna", "approver", "examiner"):
        assert annas.ask(who, "GET", f"/api/services/cases/{ids['case_id']}").status_code == 200
    for path in (f"/api/files/{ids['file_id']}", f"/api/services/licences/{ids['licence_id']}"):
        assert annas.ask("anna", "GET", path).status_code == 200
    for who in ("approver", "examiner", "window-clerk"):
        assert annas.ask(who, "GET", f"/api/files/{ids['file_id']}").status_code == 200


@pytest.mark.parametrize("who", STRANGERS)
def test_no_list_of_a_stranger_holds_anything_of_annas(city: City, annas: Annas, who: str) -> None:
    wrong = []
    for cell in cells(city.client.app):
        if cell.method == "GET" and "{" not in cell.template:
            answered = city.client.get(cell.template, headers=city.as_(who), follow_redirects=False)
            own = THEIRS.get(who, set())
            found = [name for name, value in annas.ids.items() if value in answered.text and name not in own]
            if found or (who != "anna" and "450103198503129995" in answered.text):
                wrong.append((cell.template, found))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
