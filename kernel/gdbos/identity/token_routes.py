"""``/api/identity/tokens``: access tokens for systems, against assertions signed with their own keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.exceptions import SerializationException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gdbos.answers import explained
from gdbos.errors import BadRequest, Invalid, Violation
from gdbos.identity.assertion import ASSERTION, GRANT, read_assertion, use_up, verify_assertion
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.entries import Asked, Entered, Word
from gdbos.identity.session import open_system_session
from gdbos.identity.system import find_system
from gdbos.identity.tokens import LIFETIME
from gdbos.kernel import Kernel
from gdbos.plugin import PUBLIC
from gdbos.text import N_
from gdbos.unit import Unit


class TokenAsked(Entered, frozen=True, kw_only=True):
    """A request for an access token (RFC 6749 §4.4, RFC 7523 §2.2)."""

    grant_type: Word
    client_assertion_type: Word
    client_assertion: Annotated[str, msgspec.Meta(max_length=8192)]
    client_id: Word = ""


class TokenGiven(msgspec.Struct, frozen=True):
    """An access token."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  (the name of a scheme)


@dataclass
class TokenOperation(Operation):
    """Says in OpenAPI what the token endpoint reads: the form of the standard, or the same as JSON."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        fields = ("grant_type", "client_assertion_type", "client_assertion", "client_id")
        schema = Schema(
            type=OpenAPIType.OBJECT,
            title="TokenAsked",
            properties=dict.fromkeys(fields, text),
            required=list(fields[:3]),
            additional_properties=False,
        )
        media = OpenAPIMediaType(schema=schema)
        self.request_body = RequestBody(
            required=True, content={"application/x-www-form-urlencoded": media, "application/json": media}
        )


class TokenRoutes(Controller):
    """Tokens."""

    path = "/api/identity/tokens"
    tags = ("identity",)

    @post(permission=PUBLIC, reserved=True, status_code=200, operation_class=TokenOperation)
    async def token(self, request: Asked, kernel: NamedDependency[Kernel]) -> TokenGiven:
        """Give a system a token for five minutes in exchange for an assertion signed with its own key."""
        asked = await _asked(request)
        if asked.grant_type != GRANT or asked.client_assertion_type != ASSERTION:
            detail = N_("Only grant_type {grant} with client_assertion_type {assertion} is served here.")
            facts = {"grant": GRANT, "assertion": ASSERTION}
            raise Invalid(detail, violations=[Violation("$.grant_type", "code", detail, facts=facts)], **facts)
        return await token_for(kernel, asked.client_assertion)


async def token_for(kernel: Kernel, compact: str) -> TokenGiven:
    """A token for the system that signed this assertion. :raises Unauthenticated: it is not valid, or was used before."""
    identity, units = kernel.identity, kernel.identity.units
    assertion = read_assertion(compact)
    known = await units.read(IDENTITY, find_system, assertion.client_id)
    now = units.around.clock()
    claims = verify_assertion(assertion, known, audience=identity.audience, now=now)

    def admit(unit: Unit) -> UUID:
        use_up(unit, claims)
        return open_system_session(unit, claims.iss, LIFETIME["system"])

    session_id = await units.write(IDENTITY, admit)
    issued = identity.tokens.issue(
        subject=claims.iss, session=session_id, client=claims.iss, lifetime=LIFETIME["system"], now=now
    )
    return TokenGiven(issued.token, int(LIFETIME["system"].total_seconds()))


async def _asked(request: Asked) -> TokenAsked:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        found: Any = dict((await request.form()).multi_items())
    else:
        try:
            found = await request.json()
        except SerializationException:
            raise BadRequest("The request for a token is neither a form nor JSON.") from None
    try:
        return msgspec.convert(found, TokenAsked)
    except msgspec.ValidationError as failure:
        what, _, at = str(failure).partition(" - at `")
        raise Invalid(violations=[explained(at.rstrip("`") or "$", what)]) from None
