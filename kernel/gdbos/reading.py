"""Requests as the kernel reads them: what cannot be read is the caller's mistake and says so, never a 500."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import SerializationException

from gdbos.errors import BadRequest, TooLarge, Unsupported

JSON = ("application/json", "")


class Reading(Request[Any, Any, Any]):
    """Litestar's request, with its reading made strict in one place."""

    async def body(self) -> bytes:
        limit = self.scope["app"].state.kernel.settings.http.max_body if self._limited() else None
        stated = self.headers.get("content-length", "0")
        if limit is not None and stated.isdigit() and int(stated) > limit:
            raise TooLarge("The body has {size} bytes; at most {limit} are read here.", size=int(stated), limit=limit)
        return await super().body()

    async def json(self) -> Any:
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in JSON and not media_type.endswith("+json"):
            raise Unsupported(
                "The body is {media_type}; this address reads application/json.", media_type=media_type or "—"
            )
        body = await self.body()
        if b"\\u0000" in body:
            raise BadRequest("The body holds a NUL character, which no field can keep; leave it out.")
        try:
            return await super().json()
        except (msgspec.DecodeError, UnicodeDecodeError, SerializationException) as failure:
            raise BadRequest("The body is not JSON in UTF-8: {why}", why=_why(failure.__cause__ or failure)) from None
        except RecursionError:
            raise BadRequest("The body is nested deeper than any record; send it flat.") from None

    async def form(self) -> FormMultiDict:
        try:
            found = await super().form()
        except (UnicodeDecodeError, LookupError, ValueError) as failure:
            raise BadRequest("The form cannot be read: {why}", why=_why(failure)) from None
        if any("\x00" in value for _, value in found.multi_items() if isinstance(value, str)):
            raise BadRequest("The form holds a NUL character, which no field can keep; leave it out.")
        return found

    def _limited(self) -> bool:
        """Routes that take files state a limit of their own (``request_max_body_size``)."""
        return "file" not in self.route_handler.opt


def _why(failure: BaseException) -> str:
    """The kind of mistake and its place, never the text around it: that may be personal data."""
    if isinstance(failure, UnicodeDecodeError):
        return f"byte {failure.start} is not {failure.encoding}"
    if isinstance(failure, msgspec.DecodeError):
        return str(failure)
    return type(failure).__name__
