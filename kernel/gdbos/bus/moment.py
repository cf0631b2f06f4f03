"""Moments as callers write them: RFC 3339 with a zone. A number is none, though the decoder would take it for seconds since 1970."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.text import N_

_SHAPE = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
Moment = Annotated[str, msgspec.Meta(pattern=_SHAPE, description="RFC 3339, with its zone")]


def moment(written: str, path: str) -> datetime:
    """The moment that ``written`` names. :raises Invalid: there is no such day, hour or zone."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        detail = N_("There is no such moment; it is written 2026-03-01T08:00:00+08:00.")
        raise Invalid(violations=[Violation(path, "moment", detail)]) from None
