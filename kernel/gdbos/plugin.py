"""What a plugin declares: nouns, as one frozen struct that can be listed, compared and documented without running it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec
import pluggy
from litestar import Controller
from litestar.types import ControllerRouterHandler
from sqlalchemy import MetaData

from gdbos.pages.navigation import NavigationEntry
from gdbos.text import Text

if TYPE_CHECKING:
    from gdbos.events import Event
    from gdbos.standards import Standards
    from gdbos.unit import Unit

hookimpl = pluggy.HookimplMarker("gdbos")

API = "1"
"""The plugin interface this kernel offers. A plugin names the one it was written for; another is refused at the start."""


class Permission(msgspec.Struct, frozen=True):
    """A right to do one thing, named ``family.feature.verb``. Roles (packs) hand permissions out; nothing else does."""

    name: str
    title: str
    """What the holder may do, as an English message id."""
    weighty: bool = False
    """Decides for others: where ``[identity] step_up_minutes`` is set, a second factor must have been shown lately."""
    officials: bool = False
    """Asked of officials alone, see :meth:`of_officials`."""

    def of_officials(self) -> Permission:
        """The same right, asked of officials alone: for what people also come to, as their own, and systems, as granted."""
        return msgspec.structs.replace(self, officials=True)


PUBLIC = Permission("public", "Anyone, known or not")
KNOWN = Permission("known", "Anyone who has logged in")
PERSON = Permission("person", "Any person who has logged in, for themself or whom they act for; no official")


class Kind(msgspec.Struct, frozen=True):
    """A kind of document that standards packs may hold in the folder ``name`` and that decodes to ``struct``."""

    name: str
    struct: type[msgspec.Struct]
    check: Callable[[Any, Any], Iterable[str]] | None = None
    """``check(value, standards)`` yields what is wrong with one document beyond its shape."""
    loosens: Callable[[Any, Any, Any], Iterable[str]] | None = None
    """``loosens(upper, lower, standards)`` yields what a lower pack may not make of a document; ``lower`` is None where it withdraws it."""


class Disclosed(msgspec.Struct, frozen=True):
    """Whose data one reply shows, and the case that lets it: one receipt."""

    subject: str
    """Subject key: ``person:…`` or ``enterprise:…`` (see :mod:`gdbos.subjects`)."""
    matter: str = ""
    case: str = ""
    basis: Literal["live", "archive"] = "live"
    """``archive``: the case has ended, and shown is only what it holds itself; no other record is opened by it."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A bus service that a plugin's function provides."""

    code: str
    title: Text
    takes: type[msgspec.Struct]
    gives: type[msgspec.Struct]
    provide: Callable[[Unit, Any], Any]
    """``provide(unit, request) -> reply`` in a read unit of the caller's rows."""
    discloses: Callable[[Any, Any], Iterable[Disclosed]]
    """Whose data ``(request, reply)`` shows; nothing personal: an empty list."""
    version: int = 1
    grade: Literal["general", "important", "core"] = "general"
    sharing: Literal["unconditional", "conditional", "not-shared"] = "conditional"
    permission: Permission | None = None
    """Right that an official must hold, whatever their body was granted. People come for what is their own, systems by grant."""
    own: bool = False
    """An empty request brings a person their own data, page by page (``next`` of a reply is ``after`` of the following request):
    part of what they can take away as one file."""


class Consumption(msgspec.Struct, frozen=True, kw_only=True):
    """A bus service that a plugin's pages or handlers use for a body; becomes a draft grant that an official approves."""

    service: str
    purpose: Text
    fields: Sequence[str] = ()
    """Fields needed, empty for all the service gives."""
    clear: Sequence[str] = ()
    """Fields needed unmasked; ``*`` for all."""
    role: str = ""
    """Only the body that plays this role needs it (``tax``); empty: every body."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work that recurs: ``run(unit)`` every ``every``, on one worker at a time, as the plugin itself."""

    name: str
    every: timedelta
    run: Callable[[Unit], object]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question ``gdbos doctor`` and ``/health/ready`` ask: ``ask(kernel)`` returns a complaint, or nothing when well."""

    name: str
    ask: Callable[[Any], Awaitable[str | None]]


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """All that one plugin brings."""

    name: str
    """``family.feature``; every permission, event, table and route carries it."""
    title: str
    """English message id."""
    api: str = API
    needs: Sequence[str] = ()
    """Plugins that must be enabled too."""
    config: type[msgspec.Struct] | None = None
    """The struct that ``[plugins.family.feature]`` decodes to; no settings: None."""
    permissions: Sequence[Permission] = ()
    routes: Sequence[type[Controller]] = ()
    """API controllers, mounted under ``/api/<family>/<feature>``."""
    pages: Sequence[ControllerRouterHandler] = ()
    """Page controllers, mounted at the paths they name (``/portal/…``, ``/workbench/…``, ``/console/…``, ``/cockpit/…``)."""
    navigation: Sequence[NavigationEntry] = ()
    tables: MetaData | None = None
    migrations: Path | None = None
    """Folder of this plugin's Alembic revisions; its version table is ``<family>_<feature>_migrations``."""
    events: Sequence[type[Event]] = ()
    """Events it owns. Handlers of others' events declare their own view of them (:func:`gdbos.events.on`)."""
    handlers: Sequence[Callable[..., object]] = ()
    services: Sequence[Offer] = ()
    consumes: Sequence[Consumption] = ()
    consumes_by_standard: Callable[[Standards, date], Iterable[Consumption]] | None = None
    """Further consumption that documents of the standards name: ``(standards, today) -> consumption``."""
    packs: Sequence[Path] = ()
    """Folders in which standards packs lie."""
    kinds: Sequence[Kind] = ()
    jobs: Sequence[Job] = ()
    commands: Sequence[click.Command] = ()
    checks: Sequence[Check] = ()
    templates: Path | None = None
    """Folder of Jinja templates, found under the prefix ``family.feature/``."""
    locale: Path | None = None
    """Folder that holds ``zh.po``; features of a family share one."""
