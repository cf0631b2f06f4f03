"""How this node proves to an existing system who is asking: a key, the exchange's signature, or an OAuth 2 token."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

import msgspec

from gdbos.bus.adapters.client import Answer, HttpClient, Outbound, by_status
from gdbos.bus.adapters.lines import Trip, Verdict
from gdbos.bus.adapters.settings import open_places
from gdbos.bus.adapters.target import parse
from gdbos.errors import Misconfigured, ProviderFailed, Unavailable
from gdbos.secret import Secret

HEADER_VALUE = re.compile(r"\A[\x21-\x7e]+\Z")
MOST_TOKEN_BYTES = 65_536
LEEWAY = 30.0
"""Seconds before its end at which a token is no longer sent: it has to last the way."""
NO_EXPIRY = 300.0
"""Seconds a token is used whose issuer does not say how long it lasts."""


class HeaderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="header"):
    """A key the system gave us, sent in a header of its choosing."""

    name: str
    secret: Secret


class ExchangeSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="exchange"):
    """The national exchange gateway's signed headers (国家共享交换平台): requester, service, time, HMAC-SHA256."""

    rid: str
    sid: str
    secret: Secret


class ClientCredentials(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="oauth2"
):
    """A bearer token by client credentials (RFC 6749 §4.4), fetched at ``token``, kept until shortly before its end."""

    token: str
    """Address of the token endpoint, among the places of the node like any other."""
    client_id: str
    secret: Secret
    scope: str = ""
    sent: Literal["header", "form"] = "header"
    """Where client id and secret stand: in a Basic header, or in the form for servers that read only that."""

    def __post_init__(self) -> None:
        if not open_places(self.token):
            try:
                parse(self.token)
            except Misconfigured as failure:
                raise ValueError(f"token: {failure}") from None


Auth = HeaderKey | ExchangeSignature | ClientCredentials


class _Token(msgspec.Struct, frozen=True):
    """What a token endpoint answers (RFC 6749 §5.1), as far as we need it."""

    access_token: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384, pattern=r"\A[\x21-\x7e]+\Z")]
    token_type: str = "bearer"  # noqa: S105  (a word of RFC 6750)
    expires_in: float = NO_EXPIRY


class Proofs:
    """Makes the headers by which systems know us; keeps the tokens they were given for."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._tokens: dict[ClientCredentials, tuple[float, str]] = {}
        self._fetching: dict[ClientCredentials, asyncio.Lock] = {}

    async def send(
        self,
        auth: Auth | None,
        trip: Trip,
        make: Callable[[Mapping[str, str]], Outbound],
        judge: Callable[[Answer], Verdict] = by_status,
    ) -> Answer:
        """The answer to what ``make`` makes of our proof; where the system has forgotten our token, the one to a new one, once."""
        proof = await self.headers(auth, trip)
        answer = await self._client.send(make(proof), trip, judge)
        if answer.status == 401 and self.outdated(auth, proof):
            answer = await self._client.send(make(await self.headers(auth, trip)), trip, judge)
        return answer

    async def headers(self, auth: Auth | None, trip: Trip) -> dict[str, str]:
        """The headers for one request.

        :raises ProviderFailed, ProviderTimeout, Unavailable: the secret is not in place, or no token is to be had in time.
        """
        match auth:
            case HeaderKey():
                return {auth.name: secret_value(auth.secret)}
            case ExchangeSignature():
                return exchange_headers(secret_value(auth.secret), auth.sid, auth.rid, time.time_ns() // 1_000_000)
            case ClientCredentials():
                return {"Authorization": f"Bearer {await self._token(auth, trip)}"}
        return {}

    def outdated(self, auth: Auth | None, sent: dict[str, str]) -> bool:
        """Whether the system, having refused the headers ``sent``, may take others: a token that it has forgotten."""
        if not isinstance(auth, ClientCredentials):
            return False
        known = self._tokens.get(auth)
        if known and sent.get("Authorization") == f"Bearer {known[1]}":
            del self._tokens[auth]
        return True

    async def _token(self, auth: ClientCredentials, trip: Trip) -> str:
        async with self._fetching.setdefault(auth, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            known = self._tokens.get(auth)
            if known is None or known[0] <= now:
                known = self._tokens[auth] = await self._fetched(auth, trip, now)
            return known[1]

    async def _fetched(self, auth: ClientCredentials, trip: Trip, now: float) -> tuple[float, str]:
        trip = msgspec.structs.replace(trip, line=f"token {auth.client_id}@{auth.token}", repeatable=True)
        answer = await self._client.send(_token_request(auth), trip)
        try:
            token = msgspec.json.decode(answer.content, type=_Token) if answer.status == 200 else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            token = None
        if token is None or token.token_type.lower() != "bearer":
            raise ProviderFailed(
                "The provider's system gave this node no access token; its operators have to look why."
            )
        return now + max(0.0, min(token.expires_in, 86_400.0) - LEEWAY), token.access_token


def secret_value(secret: Secret) -> str:
    """The secret. :raises Unavailable: it is not in place, or cannot stand in a header."""
    try:
        value = secret.reveal()
    except Misconfigured:
        value = ""
    if not HEADER_VALUE.match(value):
        raise Unavailable(
            "The key for the provider's system is not in place at this node; its operators have to put it there."
        )
    return value


def exchange_headers(secret: str, sid: str, rid: str, milliseconds: int) -> dict[str, str]:
    """The four headers of the exchange gateway."""
    return {
        "gjgxjhpt_rid": rid,
        "gjgxjhpt_sid": sid,
        "gjgxjhpt_rtime": str(milliseconds),
        "gjgxjhpt_sign": exchange_signature(secret, sid, rid, milliseconds),
    }


def exchange_signature(secret: str, sid: str, rid: str, milliseconds: int) -> str:
    """Base64 of HMAC-SHA256 over service, requester and time in this order (M: read in one client, agreed with two)."""
    digest = hmac.new(secret.encode(), f"{sid}{rid}{milliseconds}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _token_request(auth: ClientCredentials) -> Outbound:
    form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    secret = secret_value(auth.secret)
    if auth.sent == "form":
        form |= {"client_id": auth.client_id, "client_secret": secret}
    else:
        pair = f"{quote(auth.client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Outbound(
        base=parse(auth.token),
        method="POST",
        path="",
        headers=headers,
        content=urlencode(form).encode(),
        max_bytes=MOST_TOKEN_BYTES,
    )
