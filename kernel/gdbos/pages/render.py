"""Templates to HTML: Jinja2, always escaping, in each of the site's languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError

from gdbos.errors import Misconfigured, Problem
from gdbos.pages.assets import Assets
from gdbos.pages.formats import Formats
from gdbos.pages.frame import Frame
from gdbos.pages.navigation import Link, Navigation, NavigationEntry
from gdbos.pages.translation import LOCALES, Catalogues

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE_TAGS = {"zh": "zh-Hans", "en": "en"}
"""What ``lang`` attributes say (BCP 47)."""


class Page(msgspec.Struct, frozen=True):
    """What a page handler returns; the HTTP layer renders it in the visitor's language, inside their frame."""

    template: str
    """Under its plugin's prefix: ``services.cases/list.html``."""
    context: dict[str, Any] = {}
    status: int = 200
    headers: dict[str, str] = {}


class Pages:
    """Every template of a node, compiled once for each language and kept in memory."""

    def __init__(
        self,
        *,
        catalogues: Sequence[Path] = (),
        templates: Mapping[str, Path] | None = None,
        navigation: Sequence[NavigationEntry] = (),
        zone: tzinfo | None = None,
    ) -> None:
        """``catalogues``: folders that hold ``zh.po``; ``templates``: folder by prefix; the kernel's own are always there."""
        self.catalogues = Catalogues(catalogues)
        self.assets = Assets()
        self._navigation = Navigation(navigation)
        self._loader = PrefixLoader(
            {prefix: FileSystemLoader(folder) for prefix, folder in {**(templates or {}), "kernel": TEMPLATES}.items()}
        )
        self._environments = {
            locale: self._environment(locale, zone or ZoneInfo("Asia/Shanghai")) for locale in LOCALES
        }

    def html(self, template: str, locale: str, context: Mapping[str, Any]) -> str:
        """``template`` in ``locale``. A page that extends ``kernel/layout.html`` needs a Frame as ``frame``.

        Raises jinja2's TemplateNotFound or UndefinedError where a template or a name in it is missing: a fault of the
        plugin, not of its visitor.
        """
        return self._environments[locale].get_template(template).render(context)

    def translate(self, message: str, locale: str, facts: Mapping[str, Any] | None = None) -> str:
        """The words of an English message id; see :meth:`Catalogues.translate`."""
        return self.catalogues.translate(message, locale, facts)

    def home(self, frame: Frame) -> str:
        """The path at which this visitor begins; see :meth:`Navigation.home`."""
        return self._navigation.home(frame.may)

    def instead(self, frame: Frame) -> str:
        """Where a visitor is led who may not open the first page of an area; see :meth:`Navigation.instead`."""
        return self._navigation.instead(frame.path, frame.may)

    def check(self) -> None:
        """Compile every template now. Raises Misconfigured naming the first that cannot be."""
        for environment in self._environments.values():
            for name in environment.list_templates(extensions=["html"]):
                try:
                    environment.get_template(name)
                except TemplateError as problem:
                    raise Misconfigured(f"Template {name} cannot be compiled: {problem}") from problem

    def _environment(self, locale: str, zone: tzinfo) -> Environment:
        environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            self.catalogues.gettext(locale), self.catalogues.ngettext(locale), newstyle=False
        )
        environment.filters.update(Formats(locale, zone).filters())
        environment.filters.update(
            filled=lambda message, facts: self.translate(message, locale, facts),
            said=lambda problem: self._said(problem, locale),
        )
        environment.globals.update(
            locale=locale,
            language=LANGUAGE_TAGS[locale],
            languages={key: (name, LANGUAGE_TAGS[key]) for key, name in LOCALES.items()},
            asset=self.assets.url,
            areas=self._areas,
            entries=self._entries,
        )
        return environment

    def _said(self, problem: Problem, locale: str) -> str:
        """What is wrong, as a page says it beside its form: each broken rule, or the problem itself."""
        broken = [self.translate(one.detail, locale, one.facts) for one in getattr(problem, "violations", ())]
        return " ".join(broken) or self.translate(problem.detail, locale, problem.facts)

    def _areas(self, frame: Frame) -> list[Link]:
        return self._navigation.areas(frame.path, frame.may)

    def _entries(self, frame: Frame) -> list[Link]:
        return self._navigation.entries(frame.path, frame.may)
