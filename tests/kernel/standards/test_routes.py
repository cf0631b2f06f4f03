"""The public endpoints: right answers, no personal data in addresses or logs, schemas that are exact."""

import csv
import io
import logging
import zipfile
from types import SimpleNamespace

import pytest
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.testing import TestClient
from openpyxl import load_workbook

from gdbos import sheet
from gdbos.errors import Problem
from gdbos.pages.translation import Catalogues
from gdbos.plugin import PUBLIC
from gdbos.shipped import shipped
from gdbos.standards import load
from gdbos.standards.routes import ROUTES


def answer(_, problem: Problem):
    return Response(
        {"code": problem.code, "violations": [one.path for one in getattr(problem, "violations", [])]},
        status_code=problem.status,
    )


@pytest.fixture(scope="module")
def national():
    with TestClient(application(load([shipped("standards")], {}, ["national"]))) as client:
        yield client


@pytest.fixture(scope="module")
def app(standards):
    return application(standards)


def application(standards):
    return Litestar(
        ROUTES,
        dependencies={"standards": Provide(lambda: standards, sync_to_thread=False)},
        exception_handlers={Problem: answer},
        state=State({"kernel": SimpleNamespace(standards=standards, pages=Catalogues())}),
    )


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app) as client:
        yield client


def test_every_route_is_public(app):
    handlers = [handler for route in app.routes if "/api/standards" in route.path for handler in route.route_handlers]
    others = {handler.name or str(handler) for handler in handlers if handler.opt.get("permission", PUBLIC) != PUBLIC}
    assert {name.rpartition(".")[2] for name in others} == {"batch", "packed"}


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


def test_the_items_of_a_kind_are_listed_by_key(client):
    first = client.get("/api/standards/items/elements", params={"limit": 4}).json()
    second = client.get("/api/standards/items/elements", params={"limit": 100, "after": first["after"]}).json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert len(first["items"]) == 4 and ids == sorted(set(ids)) and len(ids) == 10
    assert second["after"] == "" and first["items"][0]["pack"] == "national"
    assert client.get("/api/standards/items/nothing").status_code == 404


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


@pytest.mark.parametrize(
    ("scheme", "value", "on", "name"),
    [
        ("real-estate-unit", "450103001002GB00012W00000000", "2026-06-01", "青秀区"),
        ("real-estate-unit", "450103001002GB00012W00000000", "2004-08-31", "新城区"),
        ("uscc", "91450103MA5KABCD8X", "2026-06-01", "青秀区"),
        ("uscc", "91450103MA5KABCD8X", "2004-08-31", "新城区"),
        ("matter-implementation", "91450103MA5KABCD8X5000115015005", "2026-06-01", "青秀区"),
        ("uscc", "91440524MA5KABCD8U", "2026-06-01", "潮阳县"),
    ],
)
def test_a_division_has_the_name_of_the_day_or_the_last_it_had(national, scheme, value, on, name):
    answer = national.post(f"/api/standards/identifiers/{scheme}", json={"value": value, "on": on}).json()
    assert (answer["valid"], answer["parts"]["division_name"]) == (True, name), answer


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


def test_the_day_of_acceptance_is_told_with_the_words_of_the_law(client):
    silent = client.post("/api/standards/acceptances", json={"received": "2026-02-13", "today": "2026-03-20"}).json()
    assert (silent["on"], silent["deemed"], silent["limit"]) == ("2026-02-13", True, "2026-02-27")
    assert "视为受理" in silent["explanation"]
    noticed = {"noticed": "2026-02-24", "supplied": "2026-02-26", "items": ["a"]}
    again = {"noticed": "2026-02-27", "items": ["b"]}
    body = {"received": "2026-02-13", "corrections": [noticed, again], "today": "2026-03-20"}
    answer = client.post("/api/standards/acceptances", json=body).json()
    assert (answer["on"], answer["deemed"], answer["unlawful"]) == ("2026-02-26", False, [1])
    late = client.post("/api/standards/acceptances", json={"received": "2026-12-30", "today": "2027-01-05"})
    assert (late.status_code, late.json()["code"]) == (409, "not-published")


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


@pytest.mark.parametrize(
    ("form", "media_type", "begins"),
    [
        ("openapi", "application/json", b"{"),
        ("sql", "application/sql", b"CREATE TABLE person"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("html", "text/html; charset=utf-8", b"<!doctype html>"),
    ],
)
def test_a_record_is_handed_out_as_what_it_compiles_to(client, form, media_type, begins):
    answer = client.get(f"/api/standards/records/person/{form}", params={"on": "2026-06-01"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"].startswith('attachment; filename="person.')
    assert client.get(f"/api/standards/records/nobody/{form}").status_code == 404


@pytest.mark.parametrize(
    "path", ["packs", "codes/sex", "elements?q=性别", "elements/sex", "records/person", "records/person/sql"]
)
def test_what_has_not_changed_is_not_sent_again(client, path):
    first = client.get(f"/api/standards/{path}")
    tag = first.headers["etag"]
    again = client.get(f"/api/standards/{path}", headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(f"/api/standards/{path}", headers={"if-none-match": '"other"'}).content == first.content
    assert client.get("/api/standards/codes/division", headers={"if-none-match": tag}).status_code == 200


def test_what_is_not_there_has_no_tag(client):
    answer = client.get("/api/standards/codes/nobody")
    assert (answer.status_code, "etag" in answer.headers) == (404, False)


IDS = [
    ("name", "citizen id", "n"),
    ("张三", "11010519491231002X", 1),
    ("李四", "110105194912310021", 2),
    ("=1+1", "", 3),
]
VERDICTS = [("true", ""), ("false", "check-digit"), ("false", "length")]


def checked(client, content, column="citizen id", scheme="citizen-id", name="ids.csv"):
    data = {"column": column} if column else {}
    return client.post(f"/api/standards/identifiers/{scheme}/file", files={"file": (name, content)}, data=data)


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "校验"), ("en", "The check digit does not match")])
def test_why_a_value_is_none_is_said_in_the_callers_language(client, language, words):
    wrong = {"json": {"value": "110105194912310021"}, "headers": {"accept-language": language}}
    assert words in client.post("/api/standards/identifiers/citizen-id", **wrong).json()["detail"]
    table = ("ids.csv", "\n".join(",".join(map(str, row)) for row in IDS).encode())
    headers, data = wrong["headers"], {"column": "citizen id"}
    sent = client.post("/api/standards/identifiers/citizen-id/file", files={"file": table}, data=data, headers=headers)
    _head, _right, refused, *_ = csv.reader(io.StringIO(sent.content.decode("utf-8-sig")))
    assert words in refused[5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_comes_back_with_verdicts(client, encoding, caplog):
    caplog.set_level(logging.DEBUG)
    content = "\n".join(",".join(map(str, row)) for row in IDS).encode(encoding)
    answer = checked(client, content)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    head, *found = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head == ["name", "citizen id", "n", "valid", "reason", "detail", "parts"]
    assert [(row[3], row[4]) for row in found] == VERDICTS
    assert "division_name=朝阳区" in found[0][6]
    assert found[2][0] == "'=1+1"
    assert "11010519491231" not in caplog.text


def test_a_workbook_comes_back_as_a_workbook(client):
    answer = checked(client, sheet.workbook({"1": IDS}), name="ids.xlsx")
    assert answer.headers["content-type"].startswith(sheet.XLSX)
    [_head, *found] = load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
    assert [row[3:5] for row in found] == [("true", None), ("false", "check-digit"), ("false", "length")]
    cell = load_workbook(io.BytesIO(answer.content)).active["A4"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_the_first_column_is_checked_where_none_is_named(client):
    answer = checked(client, b"code\n91450103MADEM00112\n", column="", scheme="uscc")
    assert b"91450103MADEM00112,true" in answer.content


@pytest.mark.parametrize(
    ("content", "column", "status"),
    [
        (b"a,b\n1,2\n", "c", 422),
        (b"", "", 422),
        (b"PK\x03\x04broken", "", 415),
        (b"a\n\xff\xff\n", "", 415),
        (b"a\n" + b"1\n" * (sheet.ROWS + 1), "", 413),
        (b",".join([b"a"] * 300) + b"\n", "", 413),
        (b"a\n" + b"x" * 11_000_000, "", 413),
    ],
    ids=[
        "no such column",
        "empty",
        "broken workbook",
        "no text",
        "too many rows",
        "too many columns",
        "too many bytes",
    ],
)
def test_a_file_that_is_no_table_is_refused(client, content, column, status):
    assert checked(client, content, column=column).status_code == status


def test_a_form_of_another_shape_is_refused(client):
    path = "/api/standards/identifiers/uscc/file"
    assert client.post(path, json={"value": "1"}).status_code == 415
    assert client.post(path, files={"other": b"a"}).status_code == 422
    assert client.post(path, files={"file": b"a"}, data={"odd": "x"}).status_code == 422
    assert checked(client, b"a\n1\n", scheme="nobody", column="").status_code == 404


def test_a_workbook_that_unpacks_to_far_more_or_defines_entities_is_refused(client):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (sheet.UNPACKED + 1))
    assert checked(client, bomb.getvalue(), column="").status_code == 413
    entities = io.BytesIO()
    with zipfile.ZipFile(entities, "w") as packed:
        packed.writestr("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
    assert checked(client, entities.getvalue(), column="").status_code == 415


def test_the_second_clock_starts_where_the_first_ends(national):
    answer = national.post("/api/standards/deadlines", json={"start": "2026-01-30", "rule": "licence-decision"}).json()
    assert (answer["due"], answer["deemed"]) == ("2026-03-05", "")
    second = answer["second"]
    assert (second["rule"], second["due"]) == ("licence-delivery", "2026-03-19")
    assert "颁发、送达许可证件" in second["explanation"]
    late = national.post("/api/standards/deadlines", json={"start": "2026-12-01", "rule": "licence-decision"}).json()
    assert (late["due"], late["second"]["due"], late["second"]["explanation"]) == ("2026-12-29", None, "")


def test_a_region_whose_calendar_the_node_does_not_hold_does_not_silently_get_the_countrys(national):
    body = {"start": "2026-04-16", "days": 2, "division": "450103"}
    answer = national.post("/api/standards/deadlines", json=body).json()
    assert (answer["calendar"], answer["due"]) == ("cn", "2026-04-20")
    assert "本节点的日历未收录" in answer["explanation"] and len(answer["caveats"]) == 1


def test_what_silence_means_is_said_aloud(national):
    answer = national.post(
        "/api/standards/deadlines", json={"start": "2026-02-13", "rule": "licence-correction"}
    ).json()
    assert answer["deemed"] == "accepted-from-receipt"
    assert answer["explanation"].endswith("逾期未告知的,自收到申请材料之日起即为受理。")
