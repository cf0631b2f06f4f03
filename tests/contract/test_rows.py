"""Rows that are somebody else's: 404 at every address that names one, as if they were not there; never 403, never 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from .demo import BEN, HEALTH, City
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
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
    b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)
ELSEWHERE = ("approver.elsewhere", "window-clerk.elsewhere", "examiner.elsewhere")
COLLEAGUES = ("data-steward", "catalogue-manager")
STRANGERS = ("ben", *ELSEWHERE, *COLLEAGUES, "tax.desk")
"""Another applicant, officials of another body, officials of the same body whose posts have nothing to do with cases, a system
without a grant: none of Anna's rows are theirs."""


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
        licences = self.done("anna", "GET", "/api/services/licences")["licences"]
        if licences:
            self.ids["licence_id"] = licences[0]["id"]
        wanted = {"bundle": "enterprise-opening", "guidance": {}}
        begun = self.ask("anna", "POST", "/api/services/bundles", wanted)
        if begun.status_code == 201:
            self.ids["bundle_id"] = begun.json()["id"]
        self.ids["file_id"] = self.file(self.ids["case_id"])
        mandate = {"agent_citizen_id": BEN, "matters": [PLACE]}
        self.ids["mandate_id"] = self.done("anna", "POST", "/api/identity/mandates", mandate)["id"]
        self.ids["session_id"] = self.done("anna", "GET", "/api/identity/sessions")[0]["id"]
        grant = {"service": "gx.enterprise.name-check", "purpose": "to check"}
        self.ids["grant_id"] = self.done("health.desk", "POST", "/api/bus/grants", grant)["id"]

    def case(self) -> str:
        made = self.done("anna", "POST", "/api/services/cases", {"matter": PLACE})["id"]
        self.done("anna", "POST", f"/api/services/cases/{made}/submit", {"answers": ANSWERS})
        return str(made)

    def file(self, case: str) -> str:
        """A file that she handed in for her case."""
        sent = self.city.client.post(
            "/api/files",
            files={"file": ("a.png", PNG, "image/png")},
            data={"case": case, "matter": PLACE, "body": HEALTH},
            headers=self.city.as_("anna"),
        )
        assert sent.status_code == 201, sent.text
        return str(sent.json()["id"])

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


PUBLISHED = {"matter_id", "plan_id", "list_id", "element_id", "record_id", "client_id"}
"""Ids of what the standards publish, or of what is asked for by name."""


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
    rights = everybody | {who: everybody[who.partition(".")[0]] for who in STRANGERS if who.endswith(".elsewhere")}
    wrong, tried = [], 0
    for cell in with_rows(city):
        names = re.findall(r"\{(\w+)\}", cell.template)
        if not set(names) <= set(annas.ids):
            continue
        path = cell.template.format(**annas.ids)
        for who in STRANGERS:
            if who == "ben" and "mandate_id" in names:
                continue  # he is its agent
            answered = asked(city, document, who, cell, path)
            tried += 1
            may = cell.asked(who, rights[who])
            nothing = asked(city, document, who, cell, re.sub(r"\{\w+\}", lambda _: str(uuid4()), cell.template))
            right = hidden(cell, answered) if may else answered.status_code == 403
            if not right or said(answered) != said(nothing):
                wrong.append((who, cell.method, cell.template, answered.status_code, answered.text[:200]))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 100


def test_what_is_annas_is_there_for_her_and_for_the_body_that_handles_it(city: City, annas: Annas) -> None:
    """Or the two tests above would hold for a node that shows nothing to anybody."""
    ids = annas.ids
    assert set(ids) >= {"case_id", "file_id", "mandate_id", "session_id", "grant_id", "licence_id"}
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
            found = [name for name, value in annas.ids.items() if value in answered.text and not _ben_may(who, name)]
            if found or (who != "anna" and "450103198503129995" in answered.text):
                wrong.append((cell.template, found))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))


def _ben_may(who: str, name: str) -> bool:
    return who == "ben" and name == "mandate_id"
