"""The frame that stands around each page of this node, made from the request that asks for it."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from gdbos.actor import ANONYMOUS, Actor
from gdbos.pages.frame import Account, Frame
from gdbos.pages.navigation import Link
from gdbos.text import N_

ACCOUNT_LINKS = (Link(title=N_("My account"), path="/account"),)


def actor_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """Who the guard found to be calling; anonymous before it has looked."""
    found = connection.scope["state"].get("actor", ANONYMOUS)
    assert isinstance(found, Actor)
    return found


def frame_for(connection: ASGIConnection[Any, Any, Any, Any]) -> Frame:
    """The frame around the page that ``connection`` asks for."""
    actor = actor_of(connection)
    known = actor.kind != "anonymous"
    return Frame(
        site=connection.app.state.kernel.site,
        path=connection.url.path,
        query=connection.url.query or "",
        may=actor.may,
        account=Account(name=actor.name, acts_for=actor.represents, links=ACCOUNT_LINKS) if known else None,
    )
