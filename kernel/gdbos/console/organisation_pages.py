"""The console's pages of bodies, posts and imports."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import sheet
from gdbos.console.organisation import find_bodies, show
from gdbos.errors import BadRequest, Invalid, NotFound, Problem
from gdbos.identity.account import find_account
from gdbos.identity.body import Body, find_body, merge, register_body
from gdbos.identity.import_routes import Imported, apply, in_words, kind_named, plan_of
from gdbos.identity.importing import HEADS, Kind, read_table
from gdbos.identity.permission import APPOINT, IMPORT, READ, REGISTER
from gdbos.identity.post import appoint, end_post
from gdbos.identity.role import roles
from gdbos.kernel import Kernel
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.standards.upload import sent_table
from gdbos.text import Text
from gdbos.unit import Run, Unit

ROOT = "/console/organisation"
Asked = Request[Any, Any, Any]
Key = FromQuery[Annotated[str, QueryParameter(max_length=100)]]
Word = Annotated[str, msgspec.Meta(max_length=200)]


class BodyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body as the form sends it."""

    uscc: Word
    name: Word
    name_en: Word = ""
    division: Word
    level: Word
    parent: Word = ""


class PostForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A post as the form sends it."""

    login: Word
    role: Word
    area: Word = ""
    matters: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    until: Word = ""


class MergeForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which body takes over."""

    into: Word


class OrganisationPages(Controller):
    """Bodies, and who holds which post there."""

    path = ROOT

    @get(permission=READ)
    async def top(self, run: NamedDependency[Run], after: Key = "", q: Key = "") -> Page:
        """The uppermost bodies, or those that a word finds."""
        return await _page(run, "", after=after, q=q)

    @get("/{uscc:str}", permission=READ)
    async def one(self, uscc: FromPath[str], run: NamedDependency[Run], after: Key = "", done: Key = "") -> Page:
        """One body."""
        return await _page(run, uscc, after=after, done=done)

    @post(permission=REGISTER)
    async def register(self, run: NamedDependency[Run], data: URLEncodedBody[BodyForm]) -> Page | Redirect:
        """Register a body, or change its entry."""
        try:
            entered = await run(enter_body, data)
        except Problem as problem:
            return await _page(run, data.parent, problem=problem, entered=data)
        return _to(f"{ROOT}/{entered.uscc}?done=saved")

    @post("/{uscc:str}/merge", permission=REGISTER)
    async def merge(
        self, uscc: FromPath[str], run: NamedDependency[Run], data: URLEncodedBody[MergeForm]
    ) -> Page | Redirect:
        """Let another body take this one over."""
        try:
            await run(merge, uscc, data.into.strip())
        except Problem as problem:
            return await _page(run, uscc, problem=problem)
        return _to(f"{ROOT}/{uscc}?done=merged")

    @post("/{uscc:str}/posts", permission=APPOINT)
    async def appoint(
        self, uscc: FromPath[str], run: NamedDependency[Run], data: URLEncodedBody[PostForm]
    ) -> Page | Redirect:
        """Give an official a post at a body."""
        try:
            await run(enter_post, uscc, data)
            waits = bool(await run.read(_administration, data.role))
        except Problem as problem:
            return await _page(run, uscc, problem=problem, entered=data)
        return _to(f"{ROOT}/{uscc}?done={'asked' if waits else 'appointed'}")

    @post("/{uscc:str}/posts/{post_id:uuid}/end", permission=APPOINT)
    async def end(self, uscc: FromPath[str], post_id: FromPath[UUID], run: NamedDependency[Run]) -> Page | Redirect:
        """End a post today."""
        try:
            await run(end_post, post_id)
        except NotFound:
            raise
        except Problem as problem:
            return await _page(run, uscc, problem=problem)
        return _to(f"{ROOT}/{uscc}?done=ended")


class ImportPages(Controller):
    """Bringing in bodies and officials from a table."""

    path = "/console/import"

    @get(permission=IMPORT, sync_to_thread=False)
    def form(self) -> Page:
        """Choose a table."""
        return _import_page()

    @post("/plan", permission=IMPORT, file=True)
    async def plan(self, request: Asked, run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Page:
        """Show what would become of each row."""
        try:
            sent, fields = await sent_table(request, "kind")
            kind = kind_named(fields["kind"])
            content = await asyncio.to_thread(_as_csv, sent.file)
            plan = await plan_of(run, kind, read_table(kind, io.BytesIO(content.encode())))
        except Problem as problem:
            return _import_page(problem=problem)
        found = in_words(Imported(plan=plan, applied=False), kernel, locale_of(request))
        return _import_page(found=found, content=content)

    @post("/apply", permission=IMPORT)
    async def apply(self, request: Asked, run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Page:
        """Apply the plan that was shown."""
        form = await request.form()
        try:
            kind: Kind = kind_named(str(form.get("kind", "")))
            table = read_table(kind, io.BytesIO(str(form.get("content", "")).encode()))
            done = await apply(run, kernel, await plan_of(run, kind, table), table, str(form.get("digest", "")))
        except Problem as problem:
            return _import_page(problem=problem)
        return _import_page(found=in_words(done, kernel, locale_of(request)))


def enter_body(unit: Unit, form: BodyForm) -> Body:
    """The body the form describes; what the form does not ask for stays as it is. :raises Invalid: the level is none."""
    if form.level not in LEVELS:
        raise BadRequest("Choose the level of the body.")
    before = find_body(unit, form.uscc.strip())
    new = Body(
        uscc=form.uscc.strip(),
        name=Text(form.name.strip(), form.name_en.strip()),
        division=form.division.strip(),
        level=form.level,  # type: ignore[arg-type]
        parent=form.parent.strip(),
        plays=before.plays if before else (),
        active=before.active if before else True,
        successor=before.successor if before else "",
    )
    if not new.name.zh:
        raise BadRequest("A body needs its name.")
    return register_body(unit, new)


def enter_post(unit: Unit, uscc: str, form: PostForm) -> UUID:
    """The post the form describes. :raises NotFound: nobody has the log-in name."""
    official = find_account(unit, form.login)
    if official is None:
        raise NotFound("There is no official with the log-in name {login}.", login=form.login)
    matters = tuple(one.strip() for one in form.matters.replace("，", ",").split(",") if one.strip())
    until = _day(form.until)
    return appoint(
        unit, official.id, body=uscc, role_id=form.role, until=until, area=form.area.strip(), matters=matters
    )


def _administration(unit: Unit, role_id: str) -> str:
    return roles(unit)[role_id].administration


LEVELS = ("national", "ministry", "province", "city", "county", "township")


async def _page(
    run: Run,
    uscc: str,
    *,
    after: str = "",
    q: str = "",
    done: str = "",
    problem: Problem | None = None,
    entered: Any = None,
) -> Page:
    found, hits, known = await run.read(_look, uscc, after, q)
    actor = run.actor
    context = {
        "found": found,
        "hits": hits,
        "q": q,
        "roles": known,
        "levels": LEVELS,
        "done": done,
        "problem": problem,
        "entered": entered,
        "may": {"register": actor.may(REGISTER), "appoint": actor.may(APPOINT)},
        "next": f"{ROOT}{f'/{uscc}' if uscc else ''}?after={found.next}" if found.next else "",
        "first": (f"{ROOT}/{uscc}" if uscc else ROOT) if after else "",
    }
    return Page("console/organisation.html", context, status=problem.status if problem else 200)


def _look(unit: Unit, uscc: str, after: str, q: str) -> Any:
    known = sorted((one for one in roles(unit).values() if not one.given_to), key=lambda one: one.id)
    return show(unit, uscc, after), find_bodies(unit, q.strip()) if q.strip() else [], known


def _import_page(found: Imported | None = None, content: str = "", problem: Problem | None = None) -> Page:
    context = {"found": found, "content": content, "problem": problem, "heads": HEADS}
    return Page("console/import.html", context, status=problem.status if problem else 200)


def _as_csv(file: Any) -> str:
    """The table as CSV, to be shown as a plan and sent again with the word to apply it."""
    return b"".join(sheet.lines(sheet.rows(file))).decode("utf-8-sig")


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise Invalid("This is no day; write it as 2026-01-31.") from None


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
