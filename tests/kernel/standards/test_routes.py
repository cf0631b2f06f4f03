"""The public endpoints: right answers, no personal data in addresses or logs, schemas that are exact."""

import logging

import pytest
from litestar import Litestar, Response
from litestar.di import Provide
from litestar.testing import TestClient

from gdbos.errors import Problem
from gdbos.plugin import PUBLIC
from gdbos.standards.routes import ROUTES


def answer(_, problem: Problem):
    return Response(
        {"code": problem.code, "violations": [one.path for one in getattr(problem, "violations", [])]},
        status_code=problem.status,
    )


@pytest.fixture(scope="module")
def app(standards):
    return Litestar(
        ROUTES,
        dependencies={"standards": Provide(lambda: standards, sync_to_thread=False)},
        exception_handlers={Problem: answer},
    )


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app) as client:
        yield client


def test_every_route_is_public(app):
    handlers = [handler for route in app.routes if "/api/standards" in route.path for handler in route.route_handlers]
    assert [handler.opt["permission"] for handler in handlers if "permission" in handler.opt] == [PUBLIC] * 7


def test_packs_are_listed(client):
    [pack] = client.get("/api/standards/packs").json()
    assert (pack["id"], pack["level"], len(pack["digest"])) == ("national", "national", 64)


def test_a_code_list_is_given_as_of_a_day(client):
    answer = client.get("/api/standards/codes/sex", params={"on": "2023-06-01"}).json()
    assert [row["code"] for row in answer["codes"]] == ["1", "2", "9"]
    assert len(client.get("/api/standards/codes/sex").json()["codes"]) == 2
    assert client.get("/api/standards/codes/nobody").status_code == 404


def test_a_code_list_is_paged_by_key(client):
    first = client.get("/api/standards/codes/division", params={"limit": 4, "on": "2026-06-01"}).json()
    assert first["after"] == "450000"
    second = client.get(
        "/api/standards/codes/division", params={"limit": 4, "on": "2026-06-01", "after": first["after"]}
    ).json()
    codes = [row["code"] for row in first["codes"] + second["codes"]]
    assert codes == ["110000", "110105", "440000", "450000", "450100", "450103"]
    assert second["after"] == ""


def test_elements_are_searched_and_paged_by_key(client):
    found = client.get("/api/standards/elements", params={"q": "身份证号"}).json()
    assert [element["id"] for element in found["items"]] == ["citizen-id"]
    pages, after = [], ""
    while True:
        page = client.get("/api/standards/elements", params={"limit": 3, "after": after}).json()
        pages += [element["id"] for element in page["items"]]
        if not (after := page["after"]):
            break
    assert pages == sorted(pages) and len(pages) == 10
    assert client.get("/api/standards/elements", params={"limit": 0}).status_code == 400


def test_an_element_and_a_records_schema_are_shown(client):
    assert client.get("/api/standards/elements/sex").json()["codes"] == "sex"
    assert client.get("/api/standards/records/person").json()["required"] == ["citizen_id", "name"]


def test_an_identifier_is_checked_without_standing_in_address_or_log(client, caplog):
    caplog.set_level(logging.DEBUG)
    answer = client.post("/api/standards/identifiers/citizen-id", json={"value": "11010519491231002X"})
    assert answer.status_code == 200
    assert (answer.json()["valid"], answer.json()["reason"]) == (True, "")
    assert answer.json()["parts"]["division_name"] == "朝阳区"
    wrong = client.post("/api/standards/identifiers/citizen-id", json={"value": "110105194912310021"}).json()
    assert (wrong["valid"], wrong["reason"]) == (False, "check-digit")
    assert "11010519491231" not in caplog.text + wrong["detail"]
    assert client.post("/api/standards/identifiers/nobody", json={"value": "1"}).status_code == 404
    assert client.post("/api/standards/identifiers/uscc", json={"value": 1}).status_code == 400
    assert client.post("/api/standards/identifiers/uscc", json={"valeu": "1"}).status_code == 400


def test_a_deadline_is_counted_and_explained(client):
    answer = client.post("/api/standards/deadlines", json={"start": "2026-02-13", "days": 5}).json()
    assert answer["due"] == "2026-02-27"
    assert "届满日为2026年2月27日" in answer["explanation"]
    by_rule = {
        "start": "2026-01-30",
        "rule": "decision",
        "division": "450103",
        "suspensions": [{"from": "2026-02-02", "until": "2026-02-03", "reason": "hearing"}],
    }
    answer = client.post("/api/standards/deadlines", json=by_rule).json()
    assert (answer["due"], answer["rule"], answer["basis"]) == ("2026-03-06", "decision", ["xkf-42"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"start": "2026-12-30", "days": 5}, 409, "not-published"),
        ({"start": "2026-02-13"}, 422, "invalid"),
        ({"start": "2026-02-13", "days": 1, "rule": "decision"}, 422, "invalid"),
        ({"start": "2026-02-13", "rule": "nobody"}, 404, "not-found"),
        ({"start": "2026-02-13", "rule": "decision", "extensions": [{"days": 1, "approver": "me"}]}, 422, "invalid"),
    ],
)
def test_what_cannot_be_counted_says_why(client, body, status, code):
    answer = client.post("/api/standards/deadlines", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        {"start": "2026-02-13", "days": -1},
        {"start": "x", "days": 1},
        {"start": "2026-02-13", "day": 1},
        {"start": "9999-12-31", "days": 3661},
    ],
)
def test_a_body_of_another_shape_is_refused(client, body):
    assert client.post("/api/standards/deadlines", json=body).status_code == 400


def test_days_at_the_edge_of_time_are_not_published_rather_than_an_error(client):
    for start in ("9999-12-31", "0001-01-01"):
        assert client.post("/api/standards/deadlines", json={"start": start, "days": 3}).status_code == 409
        rule = {"start": start, "days": 3, "suspensions": [{"from": start}]}
        assert client.post("/api/standards/deadlines", json=rule).status_code in (200, 409)


def test_the_openapi_document_names_every_answer(app):
    paths = app.openapi_schema.to_schema()["paths"]
    counted = paths["/api/standards/deadlines"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert counted["$ref"].endswith("Counted")
    asked = paths["/api/standards/identifiers/{scheme}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert asked["$ref"].endswith("Ask")
