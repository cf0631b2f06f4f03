"""English message ids and their words in other languages (GNU gettext catalogues, compiled in memory)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from gdbos.text import Text

LOCALES: dict[str, str] = {"zh": "中文", "en": "English"}
"""The languages of every page, under their own names. The first is the one spoken unless another is asked for."""
DEFAULT_LOCALE = "zh"
SOURCE_LOCALE = "en"
"""The language message ids are written in; it needs no catalogue."""
KERNEL_LOCALE = Path(__file__).parent.parent / "locale"


class Catalogues:
    """The words of the kernel and of every enabled plugin family.

    Where two catalogues translate one message, the earlier wins: a plugin cannot change what the kernel's pages say.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        distinct = list(dict.fromkeys([KERNEL_LOCALE, *folders]))
        self._translations = {locale: _compiled(locale, tuple(distinct)) for locale in LOCALES}

    def gettext(self, locale: str) -> Callable[[str], str]:
        """The function that gives a message's words in ``locale``."""
        translations = self._translations[locale]
        return lambda message: translations.gettext(message) if message else ""

    def ngettext(self, locale: str) -> Callable[[str, str, int], str]:
        """The function that gives the words for a count."""
        return self._translations[locale].ngettext

    def translate(self, message: str, locale: str, facts: Mapping[str, Any] | None = None) -> str:
        """The words of ``message`` in ``locale`` with ``facts`` filled in; a fact that is a Text speaks the locale too.

        Facts that do not fit leave the template unfilled: someone with a problem gets a sentence, never a second problem.
        """
        words = self.gettext(locale)(message)
        spoken = {
            name: value.into(locale) if isinstance(value, Text) else value for name, value in (facts or {}).items()
        }
        try:
            return words.format(**spoken)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            return words


def read_catalogue(path: Path) -> Catalog:
    """The catalogue in the file at ``path``; an empty one where there is no file."""
    if not path.exists():
        return Catalog(locale=path.stem)
    with path.open("rb") as source:
        return read_po(source, locale=path.stem)


@cache
def _compiled(locale: str, folders: tuple[Path, ...]) -> NullTranslations:
    if locale == SOURCE_LOCALE:
        return NullTranslations()
    merged = Catalog(locale=locale)
    for folder in folders:
        for message in read_catalogue(folder / f"{locale}.po"):
            if message.id and message.string and not message.fuzzy and message.id not in merged:
                merged.add(message.id, message.string)
    binary = BytesIO()
    write_mo(binary, merged)
    binary.seek(0)
    return Translations(binary)
