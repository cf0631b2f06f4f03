"""Dates, times, money and numbers as each language writes them: the filters of every template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from gdbos.text import Text

ABSENT = "—"
"""What stands where there is no value."""
_BABEL = {"zh": "zh_Hans_CN", "en": "en_GB"}
_MOMENT = {"zh": "y年M月d日 HH:mm", "en": "d MMM y, HH:mm"}


class Formats:
    """The filters ``date``, ``datetime``, ``money``, ``number`` and ``text`` for one language and one zone."""

    def __init__(self, locale: str, zone: tzinfo) -> None:
        self._locale, self._zone = locale, zone

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters by the names templates call them."""
        return {
            "date": self.date,
            "datetime": self.datetime,
            "money": self.money,
            "number": self.number,
            "text": self.text,
        }

    def date(self, value: date | datetime | None) -> str:
        """A civil date; of a moment, the day it falls on in the node's zone."""
        if value is None:
            return ABSENT
        day = value.astimezone(self._zone).date() if isinstance(value, datetime) else value
        return format_date(day, "medium", locale=_BABEL[self._locale])

    def datetime(self, value: datetime | None) -> str:
        """A moment to the minute in the node's zone."""
        if value is None:
            return ABSENT
        return format_datetime(
            value.astimezone(self._zone), _MOMENT[self._locale], tzinfo=self._zone, locale=_BABEL[self._locale]
        )

    def money(self, value: Decimal | int | None) -> str:
        """An amount in yuan."""
        return ABSENT if value is None else format_currency(value, "CNY", locale=_BABEL[self._locale])

    def number(self, value: Decimal | int | float | None) -> str:
        """A number with its thousands set apart."""
        return ABSENT if value is None else format_decimal(value, locale=_BABEL[self._locale])

    def text(self, value: Any) -> str:
        """The words of a Text in this language; anything else as it stands."""
        if value is None or value == "":
            return ABSENT
        return value.into(self._locale) if isinstance(value, Text) else str(value)
