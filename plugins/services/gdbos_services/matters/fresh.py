"""Answers that a client may keep and ask about: an entity tag over the bytes, 304 while they are the same (RFC 9110 §8.8.3)."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.openapi import ResponseSpec

T = TypeVar("T")

UNCHANGED = {304: ResponseSpec(None, description="The same as what the If-None-Match header names")}


def fresh(request: Request[Any, Any, Any], value: T) -> Response[T | None]:
    """``value`` with its entity tag, or 304 without it where the client has it already."""
    tag = f'"{hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in asked or "*" in asked:
        return Response(None, status_code=304, headers=headers)
    return Response(value, headers=headers)
