"""The moment a request comes in: whose is it, and did they mean to send it?"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar.connection import ASGIConnection

from gdbos.actor import ANONYMOUS, Actor
from gdbos.errors import Forbidden, Unauthenticated
from gdbos.identity.exchange import PATH as EXCHANGE
from gdbos.identity.exchange import read_signed
from gdbos.identity.identity import Identity
from gdbos.identity.signed import by_signature, is_signed
from gdbos.pages.language import locale_of

Connection = ASGIConnection[Any, Any, Any, Any]
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_LONGEST_COOKIE: Final = 128


async def identify(connection: Connection, identity: Identity) -> Actor:
    """Who sent this request: the system that signed it, the bearer of a token, the holder of a session, or nobody known.

    A token that is not valid is refused whatever was asked for. A cookie whose session has ended only makes its holder
    anonymous, or nobody could reach the page to log in again; the guard then refuses what needs somebody known.

    :raises Unauthenticated: the signature is not accepted, or the Authorization header is not a Bearer token valid here.
    """
    header, locale = connection.headers.get("authorization"), locale_of(connection)
    if is_signed(connection):
        return await by_signature(connection, identity, locale)
    if header is None and connection.scope["path"] == EXCHANGE:
        return await identity.by_exchange(read_signed(connection.headers), locale)
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send an access token as: Authorization: Bearer TOKEN.")
        return await identity.by_token(token.strip(), locale)
    secret = connection.cookies.get(identity.cookie, "")
    known = await identity.by_cookie(secret, locale) if 0 < len(secret) <= _LONGEST_COOKIE else None
    return known or msgspec.structs.replace(ANONYMOUS, locale=locale)


def refuse_cross_site(connection: Connection, identity: Identity) -> None:
    """Refuse a change that a page of another site made a browser send (SECURITY: Sec-Fetch-Site, then exact Origin).

    Clients that send a token, or neither cookie nor Origin, are no browsers in somebody's hand and pass.

    :raises Forbidden: the request comes from another site, or carries a session and does not say where it comes from.
    """
    if connection.scope.get("method") in _SAFE or "authorization" in connection.headers:
        return
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is not None:
        ours = site in ("same-origin", "none")
    elif origin is not None:
        ours = origin == _own_origin(connection, identity)
    else:
        ours = identity.cookie not in connection.cookies
    if not ours:
        raise Forbidden("This change was sent from another site; open the page here and send it from there.")


def _own_origin(connection: Connection, identity: Identity) -> str:
    if identity.settings.http.url:
        public = urlsplit(identity.settings.http.url)
        return f"{public.scheme}://{public.netloc}"
    return f"{connection.scope['scheme']}://{connection.headers.get('host', '')}"
