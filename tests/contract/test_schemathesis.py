"""Every operation of the OpenAPI document, as schemathesis makes requests up: no answer but those the document promises.

Anonymous, an applicant, officials and a department's system try each operation with data that fit its schema and data that do not.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .demo import City

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = {"": 3, "anna": 8, "body-manager": 8, "security-administrator": 5, "health.desk": 5}


@pytest.fixture(scope="module")
def operations(city: City) -> list[Any]:
    schema = schemathesis.openapi.from_dict(city.client.get("/schema/openapi.json").json())
    found = [one.ok() for one in schema.get_all_operations()]
    assert len(found) > 60
    return found


@pytest.mark.parametrize("who", EXAMPLES, ids=lambda who: who or "anonymous")
def test_every_answer_is_one_the_document_promises(city: City, operations: list[Any], who: str) -> None:
    wrong = []
    for operation in operations:
        try:
            attempts(city, operation, who)
        except (AssertionError, BaseExceptionGroup) as found:
            wrong.append(f"{operation.method.upper()} {operation.path}: {told(found)}")
        if who and city.client.get("/api/identity/me", headers=city.as_(who)).status_code == 401:
            city.as_(who, anew=True)  # the operation ended the session it was called in
    assert wrong == [], f"{len(wrong)} operations\n" + "\n".join(wrong)


def told(found: BaseException) -> str:
    inner = [str(one) for one in getattr(found, "exceptions", [found])]
    return " | ".join(" ".join(one.split())[:700] for one in inner)


def attempts(city: City, operation: Any, who: str) -> None:
    """Requests that fit the operation's schema, and some that do not; the same ones every time."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @given(case=cases)
    @settings(
        max_examples=EXAMPLES[who],
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attempt(case: Any) -> None:
        case.validate_response(answer(city, case, who), checks=CHECKS)

    attempt()


def answer(city: City, case: Any, who: str) -> httpx.Response:
    """What the node answers to a request made up by schemathesis."""
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8000", headers=city.as_(who))
    city.client.cookies.clear()
    request = city.client.build_request(**for_httpx(sent))
    request.read()
    answered: httpx.Response = city.client.send(request, follow_redirects=False)
    return answered


def for_httpx(sent: dict[str, Any]) -> dict[str, Any]:
    """What schemathesis would give to ``requests``, in the words of httpx."""
    body = sent.pop("data", None)
    if body is not None:
        sent["data" if isinstance(body, dict) else "content"] = body
    if files := sent.get("files"):
        pairs = files.items() if isinstance(files, dict) else files
        whole = [(name, part if isinstance(part, tuple) else (None, part)) for name, part in pairs]
        sent["files"] = [(name, (part[0], text(part[1]), *part[2:])) for name, part in whole]
    return {name: value for name, value in sent.items() if name not in ("cookies", "auth") and value is not None}


def text(part: Any) -> bytes:
    """A part of a form as bytes, whatever was made up for it."""
    return part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")


# Links: from what makes or lists things to what can be done with each.


def test_links_lead_to_every_case_licence_and_bundle(city: City) -> None:
    paths = city.client.get("/schema/openapi.json").json()["paths"]
    operations = [operation for item in paths.values() for operation in item.values()]
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    reached = {link["operationId"] for answer in answers for link in answer.get("links", {}).values()}
    for kind in ("cases/{case_id}", "licences/{licence_id}", "bundles/{bundle_id}"):
        below = {path: item for path, item in paths.items() if path.startswith(f"/api/services/{kind}")}
        assert len(below) > 2
        assert {one["operationId"] for item in below.values() for one in item.values()} <= reached


def test_following_the_links_an_applicant_meets_only_what_the_document_promises(city: City) -> None:
    begun = city.client.post("/api/services/cases", json={"matter": "place.hygiene-licence"}, headers=city.as_("anna"))
    assert begun.status_code == 201
    document = city.client.get("/schema/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document).include(path_regex="^/api/services/(cases|licences)")
    met: set[tuple[str, str, int]] = set()

    class Applicant(schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **_: Any) -> Response:
            answered = answer(city, case, "anna")
            met.add((case.operation.method.upper(), case.operation.path, answered.status_code))
            return Response.from_any(answered)

        def validate_response(self, response: Response, case: Any, *_: Any, **__: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    steps = settings(
        max_examples=20,
        stateful_step_count=6,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    Applicant.run(settings=steps)
    assert ("GET", "/api/services/cases/{case_id}", 200) in met, met
