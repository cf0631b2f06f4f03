"""Words in more than one language, and the marking of words that catalogues translate."""

from __future__ import annotations

import msgspec


class Text(msgspec.Struct, frozen=True):
    """A title or sentence that data carries in Chinese and in English (双语文本)."""

    zh: str
    en: str = ""

    def __str__(self) -> str:
        return self.zh

    def into(self, locale: str) -> str:
        """The words in ``locale`` ("zh" or "en"); Chinese where no English was given."""
        return self.en if locale == "en" and self.en else self.zh


def N_(message: str) -> str:
    """Mark ``message`` for the catalogue where it is written; it is translated where it is shown."""
    return message
