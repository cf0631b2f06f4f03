"""What requests about identity bring in, decoded strictly and bounded."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request

Asked = Request[Any, Any, Any]
Word = Annotated[str, msgspec.Meta(max_length=100)]
Phrase = Annotated[str, msgspec.Meta(max_length=2000)]


class Entered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request brings in."""
