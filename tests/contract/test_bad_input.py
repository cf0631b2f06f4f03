"""Whatever is sent, to whatever operation the OpenAPI document has: a 4xx that says which field, never a 500."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from .demo import ANNA, ANNA_NAME, COMPANY, City
from .sample import NOBODY, body_schema, resolved, sample
from .test_routes import everybody as everybody
from .test_routes import holds

METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One operation of the document, and somebody who may do it."""

    method: str
    template: str
    described: dict[str, Any]
    who: str

    @property
    def path(self) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: "1" if m[1] == "version" else NOBODY, self.template)


@pytest.fixture(scope="module")
def document(city: City) -> dict[str, Any]:
    found: dict[str, Any] = city.client.get("/schema/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def operations(document: dict[str, Any], everybody: dict[str, list[str]]) -> list[Operation]:
    found = []
    for template, item in document["paths"].items():
        for method, described in item.items():
            if method in METHODS:
                found.append(
                    Operation(method.upper(), template, described, somebody(described["x-permission"], everybody))
                )
    assert len(found) > 60
    return found


def somebody(permission: str, everybody: dict[str, list[str]]) -> str:
    if permission == "public":
        return ""
    return next(who for who in everybody if who and (permission == "known" or holds(everybody[who], permission)))


def send(city: City, one: Operation, path: str = "", **more: Any) -> Any:
    """Do the operation as somebody who may."""
    headers = city.as_(one.who) | more.pop("headers", {})
    answered = city.client.request(one.method, path or one.path, headers=headers, follow_redirects=False, **more)
    if one.who and answered.status_code < 300:
        city.client.cookies.clear()
    return answered


def refused(answered: Any) -> bool:
    """A problem of the caller's, in the form of RFC 9457."""
    problem = answered.headers.get("content-type", "").startswith("application/problem+json")
    return 400 <= answered.status_code < 500 and problem and answered.json()["status"] == answered.status_code


def paths_of(answered: Any) -> list[str]:
    return [violation["path"] for violation in answered.json().get("violations", [])]


def report(one: Operation, what: str, answered: Any) -> str:
    return f"{one.method} {one.template} {what}: {answered.status_code} {answered.text[:160]}"


def with_body(operations: list[Operation], document: dict[str, Any]) -> Iterator[tuple[Operation, dict[str, Any], Any]]:
    """Operations that read JSON, with the schema and the smallest body it admits."""
    for one in operations:
        if schema := body_schema(one.described, document):
            yield one, schema, sample(schema, document)


RAW: dict[str, tuple[str, bytes]] = {
    "not UTF-8": ("application/json", b'{"a": "\xff\xfe"}'),
    "GB18030": ("application/json", '{"a": "南宁"}'.encode("gb18030")),
    "UTF-16": ("application/json", '{"a": "x"}'.encode("utf-16")),
    "a byte order mark": ("application/json", b"\xef\xbb\xbf{}x"),
    "100,000 arrays": ("application/json", b"[" * 100_000),
    "100,000 objects": ("application/json", b'{"a":' * 100_000),
    "nested deep and closed": ("application/json", b"[" * 50_000 + b"]" * 50_000),
    "NUL in a string": ("application/json", b'{"a": "x\\u0000y"}'),
    "NUL as a byte": ("application/json", b'{"a": "x\x00y"}'),
    "a lone surrogate": ("application/json", b'{"a": "\\ud800"}'),
    "NaN": ("application/json", b'{"a": NaN}'),
    "1e400": ("application/json", b'{"a": 1e400}'),
    "a huge integer": ("application/json", b'{"a": ' + b"9" * 5000 + b"}"),
    "no JSON": ("application/json", b"a=1&b=2"),
    "nothing": ("application/json", b""),
    "null": ("application/json", b"null"),
    "a list": ("application/json", b"[]"),
    "a string": ("application/json", b'"x"'),
    "two documents": ("application/json", b"{}{}"),
    "an unfinished document": ("application/json", b'{"a": '),
    "XML": ("text/xml", b"<a/>"),
    "JSON that says it is XML": ("text/xml", b"{}"),
    "plain text": ("text/plain", b"{}"),
    "an unknown charset": ("application/json; charset=klingon", b'{"a": "\xff"}'),
    "a form of an unknown charset": ("multipart/form-data; boundary=b; charset=klingon", b"--b--\r\n"),
    "a form without a boundary": ("multipart/form-data", b"x"),
    "a media type that is none": (";;;", b"{}"),
    "ten megabytes": ("application/json", b'{"a": "' + b"x" * 10_485_760 + b'"}'),
}


@pytest.mark.parametrize("what", RAW)
def test_a_body_that_cannot_be_read_is_the_callers_mistake(
    city: City, operations: list[Operation], document: dict[str, Any], what: str
) -> None:
    media_type, content = RAW[what]
    wrong = []
    for one, _, _ in with_body(operations, document):
        answered = send(city, one, content=content, headers={"content-type": media_type})
        if not refused(answered):
            wrong.append(report(one, what, answered))
    assert wrong == [], "\n" + "\n".join(wrong)


def test_a_large_body_that_does_not_say_how_large_it_is_is_cut_off(
    city: City, operations: list[Operation], document: dict[str, Any]
) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"a": "'
        for _ in range(30):
            yield b"x" * 1_048_576
        yield b'"}'

    for one, _, _ in list(with_body(operations, document))[:6]:
        answered = send(city, one, content=endless(), headers={"content-type": "application/json"})
        assert answered.status_code in (413, 422) and refused(answered), report(one, "endless", answered)


def test_an_unknown_field_is_named(city: City, operations: list[Operation], document: dict[str, Any]) -> None:
    wrong = []
    for one, schema, body in with_body(operations, document):
        if isinstance(body, dict) and schema.get("additionalProperties") is False:
            answered = send(city, one, json=body | {"no_such_field": 1})
            if not refused(answered) or "$.no_such_field" not in paths_of(answered):
                wrong.append(report(one, "no_such_field", answered))
    assert wrong == [], "\n" + "\n".join(wrong)


def test_every_body_is_closed(operations: list[Operation], document: dict[str, Any]) -> None:
    """A field nobody knows is a mistake that must not be swallowed."""
    open_ones = [
        f"{one.method} {one.template}"
        for one, schema, body in with_body(operations, document)
        if isinstance(body, dict) and schema.get("properties") and schema.get("additionalProperties") is not False
    ]
    assert open_ones == []


def test_a_missing_field_is_named(city: City, operations: list[Operation], document: dict[str, Any]) -> None:
    wrong = []
    for one, schema, body in with_body(operations, document):
        for field in schema.get("required", []):
            answered = send(city, one, json={name: value for name, value in body.items() if name != field})
            if not refused(answered) or f"$.{field}" not in paths_of(answered):
                wrong.append(report(one, f"without {field}", answered))
    assert wrong == [], "\n" + "\n".join(wrong)


STRANGE = ({"no": "such"}, [[["x"]]], 3.25, "\u202eevil", -(10**30), True, None, "x" * 5000)


def test_a_value_of_the_wrong_kind_is_named(city: City, operations: list[Operation], document: dict[str, Any]) -> None:
    """Whatever is put where; only what is none of the field's types must be refused, and then by name."""
    wrong = []
    for one, schema, body in with_body(operations, document):
        for field, described in schema.get("properties", {}).items():
            for value in STRANGE:
                answered = send(city, one, json=body | {field: value})
                odd = not fits(value, described, document)
                named = any(path.startswith(f"$.{field}") for path in paths_of(answered)) if odd else True
                if answered.status_code >= 500 or (odd and not (refused(answered) and named)):
                    wrong.append(report(one, f"{field} = {str(value)[:20]}", answered))
    assert wrong == [], "\n" + "\n".join(wrong[:40])


TYPES = {
    dict: "object",
    list: "array",
    float: "number",
    str: "string",
    int: "integer",
    bool: "boolean",
    type(None): "null",
}


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """Whether ``value`` is of a type that ``schema`` admits; its other rules are not looked at."""
    schema = resolved(schema, document)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return any(fits(value, one, document) for one in schema[several])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema.get("type")
    if kinds is None:
        return True
    return TYPES[type(value)] in ([kinds] if isinstance(kinds, str) else kinds)


PATHS = ("x", "%00", "%ff", "..%2f..%2fetc", "%E5%8D%97", "a" * 3000, "%20", "'%20OR%201=1--", "9" * 40, "-1")


def test_a_strange_address_leads_nowhere(city: City, operations: list[Operation]) -> None:
    wrong = []
    for one in operations:
        if "{" in one.template and not one.template.startswith("/health"):
            for word in PATHS:
                answered = send(city, one, re.sub(r"\{\w+\}", word, one.template))
                if not refused(answered):
                    wrong.append(report(one, word[:20], answered))
    assert wrong == [], "\n" + "\n".join(wrong)


VALUES = ("x", "-1", "0", "9" * 30, "", "%00", "%ff", "1.5", "南宁", "'", "a" * 4000)


def test_a_strange_query_is_refused_or_understood_and_named(city: City, operations: list[Operation]) -> None:
    wrong = []
    for one in operations:
        for parameter in one.described.get("parameters", []):
            for value in VALUES if parameter["in"] == "query" else ():
                answered = send(city, one, f"{one.path}?{parameter['name']}={value}")
                typed = parameter["schema"].get("type") == "integer" and value in ("x", "1.5", "", "-1", "0", "9" * 30)
                named = f"?{parameter['name']}" in paths_of(answered) if typed else True
                if answered.status_code >= 500 or not named:
                    wrong.append(report(one, f"{parameter['name']}={value[:20]}", answered))
    assert wrong == [], "\n" + "\n".join(wrong)


def test_a_method_that_an_address_does_not_take_is_405_with_allow(city: City, document: dict[str, Any]) -> None:
    for template, item in document["paths"].items():
        path = re.sub(r"\{(\w+)\}", lambda m: "1" if m[1] == "version" else NOBODY, template)
        for method in ("get", "post", "put", "patch", "delete", "trace"):
            if method not in item:
                answered = city.client.request(method.upper(), path)
                assert answered.status_code == 405, (method, path)
                assert refused(answered)
                assert {one.upper() for one in item if one in METHODS} <= set(answered.headers["allow"].split(", "))


# Values that have the right shape and are wrong all the same.

WRONG = ANNA[:-1] + "4"


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "field"),
    [
        ("anna", "POST", "/api/identity/mandates", {"agent_citizen_id": WRONG}, "$.agent_citizen_id"),
        (
            "security-administrator",
            "POST",
            "/api/identity/enterprises",
            {"uscc": "91450103MADEM00113", "name": "x", "division": "450100"},
            "$.uscc",
        ),
        (
            "security-administrator",
            "POST",
            "/api/identity/bodies",
            {"uscc": "11450100MADEM0222L", "name": {"zh": "x", "en": "x"}, "division": "450100", "level": "city"},
            "$.uscc",
        ),
        (
            "security-administrator",
            "POST",
            "/api/identity/bodies",
            {"uscc": "11450100MADEM0222E", "name": {"zh": "x", "en": "x"}, "division": "990000", "level": "city"},
            "$.division",
        ),
        (
            "anna",
            "POST",
            "/api/standards/deadlines",
            {"start": "2026-02-30", "days": 5},
            "$.start",
        ),
        (
            "anna",
            "POST",
            "/api/standards/deadlines",
            {"start": "2026-03-02", "days": 5, "division": "45010"},
            "$.division",
        ),
    ],
)
def test_a_wrong_number_or_code_is_named_and_never_repeated(
    city: City, who: str, method: str, path: str, body: Any, field: str
) -> None:
    answered = city.client.request(method, path, json=body, headers=city.as_(who))
    assert refused(answered), answered.text
    assert (answered.status_code, paths_of(answered)) == (422, [field])
    assert WRONG not in answered.text


def test_a_rule_that_no_pack_has_is_said_to_be_none(city: City) -> None:
    asked = {"start": "2026-03-02", "rule": "no.such.deadline"}
    answered = city.client.post("/api/standards/deadlines", json=asked, headers=city.as_("anna"))
    assert refused(answered), answered.text
    assert (answered.status_code, "no.such.deadline" in answered.json()["detail"]) == (404, True)


WHOLE = {
    "uscc": COMPANY,
    "enterprise-name": "南宁示例商贸有限公司",
    "registered-address": "广西南宁市青秀区示范路1号",
    "legal-representative-name": ANNA_NAME,
    "enterprise-phone": "0771-0000001",
    "place-hygiene-kind": ["1"],
    "premises-area": 120,
    "staff-count": 6,
    "delivery-way": "1",
    "agent-citizen-id": ANNA,
    "agent-name": ANNA_NAME,
    "agent-mobile": "13800000001",
}


def test_answers_of_a_form_are_refused_by_element(city: City) -> None:
    """A draft takes no answer to a question that is not asked; handed in, each wrong one is named, and no right one."""
    begun = city.client.post("/api/services/cases", json={"matter": "place.hygiene-licence"}, headers=city.as_("anna"))
    case = begun.json()["id"]

    def answer(method: str, act: str, answers: dict[str, Any]) -> Any:
        address = f"/api/services/cases/{case}/{act}"
        answered = city.client.request(method, address, json={"answers": answers}, headers=city.as_("anna"))
        assert refused(answered), answered.text
        return answered

    unasked = answer("PUT", "answers", WHOLE | {"no-such-element": "x"})
    assert (unasked.status_code, paths_of(unasked)) == (422, ["$.no-such-element"])
    wrong = {"agent-citizen-id": WRONG, "place-hygiene-kind": ["99"], "uscc": "91450103MADEM00113"}
    handed_in = answer("POST", "submit", WHOLE | wrong)
    assert handed_in.status_code == 422
    assert {path.partition("[")[0] for path in paths_of(handed_in)} == {f"$.{element}" for element in wrong}
    assert WRONG not in handed_in.text


def test_what_is_sent_is_not_quoted_back(city: City, operations: list[Operation], document: dict[str, Any]) -> None:
    """A refusal goes to logs and screens that the value must not reach."""
    secret = "450103198503129995x"
    wrong = []
    for one, schema, body in with_body(operations, document):
        for field, described in schema.get("properties", {}).items():
            value: Any = secret if not fits(secret, described, document) else [secret]
            answered = send(city, one, json=body | {field: value})
            if answered.status_code >= 400 and secret in answered.text:
                wrong.append(report(one, field, answered))
        answered = send(city, one, content=json.dumps(secret)[:-1], headers={"content-type": "application/json"})
        if secret in answered.text:
            wrong.append(report(one, "raw", answered))
    assert wrong == [], "\n" + "\n".join(wrong)
