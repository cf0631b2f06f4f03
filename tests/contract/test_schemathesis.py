"""Every operation of the OpenAPI document, as schemathesis makes requests up: no answer but those the document promises.

Anonymous, an applicant, officials and a department's system try each operation with data that fit its schema and data that do not.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
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
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8000", headers=city.as_(who))
        city.client.cookies.clear()
        request = city.client.build_request(**for_httpx(sent))
        request.read()
        answered = city.client.send(request, follow_redirects=False)
        case.validate_response(answered, checks=CHECKS)

    attempt()


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
