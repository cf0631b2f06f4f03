"""Values of other systems as JSON has them: what our mapping and our standards read."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """``value`` in text, numbers, truth values, lists and tables.

    A moment without a time zone becomes ``yyyy-MM-dd HH:mm:ss``, for the mapping's formats to read.

    :raises ValueError: it has no such form.
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Decimal() if value.is_finite():
            return number(value)
        case datetime() if value.tzinfo is None:
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    raise ValueError


def number(value: Decimal) -> int | float:
    """A decimal as a number of JSON: whole where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)
