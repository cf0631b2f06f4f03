"""Answering 304 while the standards have not changed: loaded packs are immutable, so their digests name every answer made of them."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from litestar import Litestar, Request, Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from .asked import today
from .registry import Standards

T = TypeVar("T")
NOT_MODIFIED = {304: ResponseSpec(None, generate_examples=False, description="Not changed since")}


class Tagged(Response[T]):
    """An answer that carries the entity tag under which its caller may keep it, and ask for it again with ``If-None-Match``."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **kwargs: Any) -> ASGIResponse:
        if request.method == "GET" and self.status_code in (None, 200, HTTP_304_NOT_MODIFIED):
            self.headers |= {"etag": tag(request), "cache-control": "no-cache"}
        return super().to_asgi_response(app, request, **kwargs)


def unchanged(request: Request[Any, Any, Any]) -> Tagged[None] | None:
    """A 304 where the caller holds the answer already, before anything is looked up."""
    asked = request.headers.get("if-none-match", "") if request.method == "GET" else ""
    known = {one.strip() for one in asked.split(",")}
    return Tagged(None, status_code=HTTP_304_NOT_MODIFIED) if tag(request) in known else None


def tag(request: Request[Any, Any, Any]) -> str:
    """The entity tag, weak since a workbook holds the moment it was written: of the packs, of the day (for what is asked as of today), and of the address."""
    standards: Standards = request.app.state.kernel.standards
    digests = (f"{pack.digest} {pack.since} {pack.until}" for pack in standards.packs)
    said = "\n".join([*digests, today().isoformat(), request.url.path, request.url.query])
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'
