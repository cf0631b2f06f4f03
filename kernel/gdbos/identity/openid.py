"""Logging in by an OpenID provider (国家统一身份认证等): authorization code with PKCE, state, nonce and issuer check.

The parts that are the same for everybody (requests, challenge, client authentication) are Authlib's; the checks are ours.
Addresses are called through the bus's own client: registered hosts in registered networks, no redirects, bounded in time and size.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc import jws
from joserfc.jwk import import_key

from gdbos.bus.adapters.client import HttpClient, Outbound
from gdbos.bus.adapters.lines import Trip
from gdbos.bus.adapters.target import Base, Target, parse, private
from gdbos.config import Provider
from gdbos.errors import Misconfigured, ProviderFailed
from gdbos.identity.assertion import ASSERTION
from gdbos.identity.id_token import Key, keys_of, kid_of, refused, verified

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds until the provider must have answered."""
_MOST: Final = 262_144
_CONCURRENT: Final = 32
_KEPT: Final = timedelta(hours=1)
_SOONEST: Final = timedelta(minutes=1)
"""A key that is not known is looked for again, but not by everybody who sends a forged one."""
_FRESH: Final = timedelta(minutes=5)
"""How long ago somebody may have shown who they are who was asked to do it anew."""
_SIGNS: Final = {"RSA": "PS256", "EC": "ES256", "OKP": "EdDSA"}


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that has been sent to a provider, as the browser's cookie remembers it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next: str = "/"
    fresh: bool = False
    """Whoever it is must show the provider anew who they are; that they did so earlier today does not do."""


class Metadata(msgspec.Struct, frozen=True):
    """What the provider says of itself (OpenID Connect Discovery §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


class _Token(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str


class Party:
    """This node as a client of one provider."""

    def __init__(self, name: str, provider: Provider, redirect_uri: str, clock: Callable[[], datetime]) -> None:
        """:raises Misconfigured: an address is no https one, or there is not exactly one of secret and key."""
        self.name, self.provider, self.redirect_uri, self._clock = name, provider, redirect_uri, clock
        here = f"[identity.providers.{name}]"
        addresses = {self._origin(url) for url in (provider.issuer, *provider.hosts)}
        for url in addresses:
            if not private(url):
                raise Misconfigured(f"{here} {url} is not https: whoever listens could log in as anybody")
        if bool(provider.client_secret) == bool(provider.private_key):
            raise Misconfigured(f"{here} needs either client_secret or private_key, by reference")
        self.client = HttpClient([Target(url, provider.networks, ca=provider.ca) for url in sorted(addresses)])
        self._metadata: Metadata | None = None
        self._keys: dict[str, Key] = {}
        self._keys_at: datetime | None = None

    async def begin(self, next: str, *, fresh: bool = False) -> tuple[str, Flow]:
        """Where to send the browser, and what to remember until it comes back."""
        metadata = await self._discovered()
        flow = Flow(
            provider=self.name,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=next,
            fresh=fresh,
        )
        url: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self.provider.client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=" ".join(self.provider.scopes),
            state=flow.state,
            nonce=flow.nonce,
            code_challenge=create_s256_code_challenge(flow.verifier),
            code_challenge_method="S256",
            **({"prompt": "login", "max_age": "0"} if fresh else {}),
        )
        return url, flow

    async def finish(self, flow: Flow, *, code: str, state: str, iss: str) -> dict[str, Any]:
        """What the provider says of whoever has logged in there. :raises Forbidden: its answer does not fit the flow."""
        metadata = await self._discovered()
        if flow.provider != self.name or not secrets.compare_digest(flow.state.encode(), state.encode()):
            raise refused("state")
        if iss != metadata.issuer and (iss or metadata.authorization_response_iss_parameter_supported):
            raise refused("mix-up")  # RFC 9207: another provider's answer, led here
        token = await self._exchange(metadata, code, flow.verifier)
        said = verified(
            token.id_token,
            await self._keys_with(metadata, kid_of(token.id_token)),
            issuer=metadata.issuer,
            client_id=self.provider.client_id,
            nonce=flow.nonce,
            now=self._clock(),
            named=self.provider.kid == "required",
        )
        shown = authenticated_at(said)
        if flow.fresh and (shown is None or self._clock() - shown > _FRESH):
            raise refused("auth_time")  # asked with max_age, a provider must say it (Core §3.1.2.1)
        return await self._user(metadata, token.access_token, said)

    async def _discovered(self) -> Metadata:
        if self._metadata is None:
            found = await self._get(get_well_known_url(self.provider.issuer, external=True), Metadata)
            if found.issuer != self.provider.issuer:
                raise ProviderFailed("The platform calls itself by another name than the configuration does.")
            self._metadata = found
        return self._metadata

    async def _keys_with(self, metadata: Metadata, kid: str) -> dict[str, Key]:
        now = self._clock()
        age = now - self._keys_at if self._keys_at else _KEPT
        if age >= _KEPT or (kid and kid not in self._keys and age >= _SOONEST):
            self._keys = keys_of(await self._send("GET", metadata.jwks_uri))
            self._keys_at = now
        return self._keys

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> _Token:
        ours, headers = self._authentication(metadata.token_endpoint)
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.redirect_uri, code_verifier=verifier, **ours
        )
        headers |= {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        content = await self._send("POST", metadata.token_endpoint, headers, body.encode())
        return _decoded(content, _Token)

    def _authentication(self, audience: str) -> tuple[dict[str, str], dict[str, str]]:
        """Form fields and headers that show that we are the client."""
        client_id = self.provider.client_id
        if self.provider.client_secret is not None:
            both = ":".join(quote(part, safe="") for part in (client_id, self.provider.client_secret.reveal()))
            return {}, {"authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
        assert self.provider.private_key is not None
        key = import_key(msgspec.json.decode(self.provider.private_key.reveal(), type=dict[str, Any]))
        now = int(self._clock().timestamp())
        alg = str(key.alg or _SIGNS[key.key_type])
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": secrets.token_urlsafe(24)}
        payload = msgspec.json.encode({**claims, "iat": now, "exp": now + 60})
        header = {"alg": alg, "kid": key.kid, "typ": "JWT"}
        assertion = jws.serialize_compact(header, payload, key, algorithms=[alg])
        return {"client_id": client_id, "client_assertion_type": ASSERTION, "client_assertion": assertion}, {}

    async def _user(self, metadata: Metadata, access_token: str, said: dict[str, Any]) -> dict[str, Any]:
        """The claims of the ID token, and those that only the user endpoint tells."""
        if not metadata.userinfo_endpoint:
            return said
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        more = _decoded(await self._send("GET", metadata.userinfo_endpoint, headers), dict[str, Any])
        if more.get("sub") != said["sub"]:
            raise refused("user")
        return more | said

    async def _get(self, url: str, kind: type[Metadata]) -> Metadata:
        return _decoded(await self._send("GET", url), kind)

    async def _send(self, method: str, url: str, headers: dict[str, str] | None = None, content: bytes = b"") -> bytes:
        outbound = Outbound(
            base=_endpoint(url),
            method=method,
            path="",
            headers=headers or {},
            content=content,
            max_bytes=_MOST,
        )
        deadline = asyncio.get_running_loop().time() + PATIENCE
        trip = Trip(
            line=self.name, deadline=deadline, timeout=PATIENCE, repeatable=method == "GET", concurrency=_CONCURRENT
        )
        answer = await self.client.send(outbound, trip)
        if answer.status != 200:
            raise ProviderFailed("The platform refused to say who logged in; begin again.")
        return answer.content

    @staticmethod
    def _origin(url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"


def authenticated_at(said: dict[str, Any]) -> datetime | None:
    """When the provider's user showed it who they are, where it says so (``auth_time``)."""
    at = said.get("auth_time")
    return datetime.fromtimestamp(at, UTC) if isinstance(at, int) and 0 < at < 1 << 32 else None


def _endpoint(url: str) -> Base:
    try:
        return parse(url)
    except Misconfigured:
        raise ProviderFailed("The platform names an address that this node cannot call.") from None


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProviderFailed("The platform's answer cannot be read.") from None
