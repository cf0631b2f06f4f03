"""The console's pages. Procedure, rules and the node's own state only: nobody's data appears here."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.bus.grant import revoke
from gdbos.bus.permissions import CALLS, GRANTS_DECIDE, GRANTS_READ
from gdbos.bus.record import bus_call
from gdbos.console.access_pages import AccessPages
from gdbos.console.appointment_pages import AppointmentPages
from gdbos.console.brought import plugins
from gdbos.console.checking_pages import CheckingPages
from gdbos.console.edition_pages import EditionPages
from gdbos.console.epochs import PAGES as EPOCH_PAGES
from gdbos.console.erasure_pages import ErasurePages
from gdbos.console.grants import GrantState, decide_all, list_grants
from gdbos.console.health import health, standing
from gdbos.console.letter import drop_letter, list_letters, retry_letter, show_letter
from gdbos.console.logs import logs
from gdbos.console.organisation_pages import ImportPages, OrganisationPages
from gdbos.console.permissions import LEDGER_EPOCH, LEDGER_READ, LETTERS_DROP, LETTERS_READ, LETTERS_RETRY, PLUGINS_READ
from gdbos.console.recall_pages import RecallPages
from gdbos.console.routes import After
from gdbos.console.seal_pages import SealPages
from gdbos.console.service_pages import ServicePages
from gdbos.console.standards_pages import StandardsPages
from gdbos.errors import BadRequest
from gdbos.identity.body import names as body_names
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.text import N_, Text
from gdbos.unit import Run, Unit

PAGE = 50
LONGEST = 2000
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
Done = FromQuery[Annotated[str, QueryParameter(max_length=10)]]


class ReasonForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms that need a reason send."""

    reason: Words


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the page lists it: no purpose, which a consumer words freely."""

    id: UUID
    at: Any
    body: str
    system: str
    provider: str
    service: str
    matter: str
    outcome: str
    fields: list[str]
    subjects: int
    micros: int


class NodePages(Controller):
    """Health, plugins, ledger, calls."""

    path = "/console"

    @get(permission=PLUGINS_READ)
    async def home(self, run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Page:
        """How the node is."""
        node = kernel.settings.node
        found = await health(kernel, await run.read(standing, kernel))
        context = {"health": found, "node": node, "plugins": kernel.plugins, "grants": run.actor.may(GRANTS_READ)}
        operator = (await run.read(body_names, [node.body])).get(node.body)
        return Page("console/home.html", {**context, "operator": operator})

    @get("/plugins", permission=PLUGINS_READ, sync_to_thread=False)
    def plugins(self, kernel: NamedDependency[Kernel]) -> Page:
        """Installed, enabled, and what each brings."""
        return Page("console/plugins.html", {"plugins": plugins(kernel)})

    @get("/ledger", permission=LEDGER_READ)
    async def ledger(self, run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Page:
        """Where each log stands, and how to check it."""
        shown = await run.read(logs, kernel)
        begins = run.actor.may(LEDGER_EPOCH)
        return Page("console/ledger.html", {"logs": shown, "folder": kernel.book.folder.name, "begins": begins})

    @get("/calls", permission=CALLS)
    async def calls(
        self, run: NamedDependency[Run], kernel: NamedDependency[Kernel], after: FromQuery[UUID | None] = None
    ) -> Page:
        """The calls that one's own body made or answered."""
        await kernel.book.settle()
        found, names, following = await run.read(_calls, after)
        context = {"calls": found, "names": names, **_turns("/console/calls", {}, after, following)}
        return Page("console/calls.html", context)


class GrantPages(Controller):
    """Who may use which service."""

    path = "/console/grants"

    @get(permission=GRANTS_READ)
    async def grants(
        self,
        request: Request[Any, Any, Any],
        run: NamedDependency[Run],
        of: FromQuery[GrantState] = "draft",
        after: FromQuery[UUID | None] = None,
        done: Done = "",
    ) -> Page:
        """Drafts to decide, and live grants to revoke."""
        return await _grants_page(request, run, of, after, done=done)

    @post("/decide", permission=GRANTS_DECIDE)
    async def decide(self, request: Request[Any, Any, Any], run: NamedDependency[Run]) -> Page | Redirect:
        """Decide the chosen drafts with one reason: all of them or none."""
        form = await request.form()
        reason, decision = str(form.get("reason", "")).strip(), form.get("decision")
        chosen = _ids(form.getall("grant", []))
        errors = [] if chosen else [("grant", N_("Choose at least one grant."))]
        errors += [] if 0 < len(reason) <= LONGEST else [("reason", N_("Give a reason of at most 2000 characters."))]
        if errors or decision not in ("approve", "refuse"):
            return await _grants_page(request, run, "draft", None, errors=errors, chosen=chosen, reason=reason)
        count = await run(decide_all, chosen, decision == "approve", reason)
        return _to(f"/console/grants?done={count}")

    @post("/{grant_id:uuid}/revoke", permission=GRANTS_DECIDE)
    async def revoke(
        self, grant_id: FromPath[UUID], data: URLEncodedBody[ReasonForm], run: NamedDependency[Run]
    ) -> Redirect:
        """End a grant; the next call under it is refused."""
        await run(revoke, grant_id, data.reason)
        return _to("/console/grants?of=revoked")


class LetterPages(Controller):
    """Events that a handler could not take."""

    path = "/console/letters"

    @get(permission=LETTERS_READ)
    async def letters(self, run: NamedDependency[Run], after: After = "", done: Done = "") -> Page:
        """Dead letters, oldest first."""
        found = await run.read(list_letters, after, PAGE)
        context = {"found": found, "done": done, **_turns("/console/letters", {}, after, found.next)}
        return Page("console/letters.html", context)

    @get("/{event_id:uuid}/{handler:str}", permission=LETTERS_READ)
    async def letter(self, event_id: FromPath[UUID], handler: FromPath[str], run: NamedDependency[Run]) -> Page:
        """One dead letter."""
        return Page("console/letter.html", {"shown": await run.read(show_letter, event_id, handler)})

    @post("/{event_id:uuid}/{handler:str}/retry", permission=LETTERS_RETRY)
    async def retry(self, event_id: FromPath[UUID], handler: FromPath[str], run: NamedDependency[Run]) -> Redirect:
        """Have it delivered again."""
        await run(retry_letter, event_id, handler)
        return _to("/console/letters?done=retry")

    @post("/{event_id:uuid}/{handler:str}/drop", permission=LETTERS_DROP)
    async def drop(
        self,
        event_id: FromPath[UUID],
        handler: FromPath[str],
        data: URLEncodedBody[ReasonForm],
        run: NamedDependency[Run],
    ) -> Redirect:
        """Give it up for good, saying why."""
        await run(drop_letter, event_id, handler, data.reason)
        return _to("/console/letters?done=drop")


PAGES = [
    *EPOCH_PAGES,
    OrganisationPages,
    ImportPages,
    AccessPages,
    NodePages,
    ServicePages,
    GrantPages,
    RecallPages,
    AppointmentPages,
    SealPages,
    ErasurePages,
    LetterPages,
    StandardsPages,
    EditionPages,
    CheckingPages,
]


async def _grants_page(
    request: Request[Any, Any, Any],
    run: Run,
    of: GrantState,
    after: UUID | None,
    *,
    errors: list[tuple[str, str]] | None = None,
    chosen: list[UUID] | None = None,
    reason: str = "",
    done: str = "",
) -> Page:
    found = await run.read(list_grants, of, after, PAGE)
    context = {
        "found": found,
        "of": of,
        "errors": errors or [],
        "chosen": chosen or [],
        "reason": reason,
        "done": done if done.isdigit() else "",
        "decides": run.actor.may(GRANTS_DECIDE),
        **_turns("/console/grants", {"of": of}, after, found.next),
    }
    return Page("console/grants.html", context, status=422 if errors else 200)


def _calls(unit: Unit, after: UUID | None) -> tuple[list[CallRow], dict[str, Text], UUID | None]:
    columns = [bus_call.c[name] for name in CallRow.__struct_fields__]
    wanted = unit.rows(bus_call, *columns).order_by(bus_call.c.id.desc()).limit(PAGE + 1)
    rows = unit.execute(wanted.where(bus_call.c.id < after) if after else wanted).all()
    shown = [CallRow(**row._mapping) for row in rows[:PAGE]]
    bodies = sorted({body for row in shown for body in (row.body, row.provider) if body})
    return shown, body_names(unit, bodies), shown[-1].id if len(rows) > PAGE else None


def _ids(sent: list[Any]) -> list[UUID]:
    try:
        return [UUID(str(one)) for one in sent]
    except ValueError:
        raise BadRequest("One of the grants is no id of a grant; load the page anew.") from None


def _turns(path: str, wanted: dict[str, str], after: Any, following: Any) -> dict[str, str]:
    def address(**more: str) -> str:
        query = urlencode({name: value for name, value in {**wanted, **more}.items() if value})
        return f"{path}?{query}" if query else path

    return {"next": address(after=str(following)) if following else "", "first": address() if after else ""}


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
