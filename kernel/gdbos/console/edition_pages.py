"""Publication of standards packs in the console: drafts, their review, publication, consent, withdrawal."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.console.as_of import day_of
from gdbos.console.permissions import STANDARDS_CONSENT, STANDARDS_DRAFT, STANDARDS_PUBLISH, STANDARDS_READ
from gdbos.errors import BadRequest, Invalid
from gdbos.identity.body import names as body_names
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.standards import review
from gdbos.standards.compare import compare
from gdbos.standards.edition import State, editions, refuse, versions
from gdbos.standards.edition import get as get_edition
from gdbos.standards.edition_routes import sent
from gdbos.unit import Run

PAGE = 50
SHOWN = 200
"""Differences that one page tells; the API tells all."""
HOME = "/console/standards/editions"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
SHIPPED = "shipped"
"""Stands for the pack as it ships, where a version is chosen."""
Version = Annotated[str, msgspec.Meta(max_length=40)]
Day = Annotated[str, msgspec.Meta(max_length=10)]


class DecisionForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and from which day on; today where none is named."""

    reason: Words
    on: Day = ""


class ConsentForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consumer's consent."""

    consumer: Annotated[str, msgspec.Meta(min_length=1, max_length=240)]
    reason: Words


class EditionPages(Controller):
    """Versions of packs on their way to publication."""

    path = HOME

    @get(permission=STANDARDS_READ)
    async def editions(
        self, run: NamedDependency[Run], of: FromQuery[State] = "draft", after: FromQuery[UUID | None] = None
    ) -> Page:
        """Drafts to review, and what became of others."""
        return await _listed(run, of, after)

    @post(permission=STANDARDS_DRAFT, file=True)
    async def draft(
        self, request: Request[Any, Any, Any], run: NamedDependency[Run], kernel: NamedDependency[Kernel]
    ) -> Page | Redirect:
        """Hand in a pack."""
        content, summary = await sent(request)
        try:
            made = await review.draft(kernel, run, content, summary)
        except Invalid as wrong:
            return await _listed(run, "draft", None, wrong=wrong, summary=summary)
        return _to(made.id)

    @get("/{edition_id:uuid}", permission=STANDARDS_READ)
    async def edition(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        on: FromQuery[Day] = "",
    ) -> Page:
        """One edition with its review."""
        found = await review.review(kernel, run, edition_id, day_of(on))
        bodies = sorted({one.body for one in found.affected} | {found.edition.drafted_body, found.edition.decided_body})
        actor = run.actor
        context = {
            "found": found,
            "edition": found.edition,
            "differences": found.differences[:SHOWN],
            "more": max(0, len(found.differences) - SHOWN),
            "names": await run.read(body_names, [one for one in bodies if one]),
            "mine": actor.answers_for(found.edition.drafted_by),
            "publishes": actor.may(STANDARDS_PUBLISH),
            "consents": actor.body if actor.may(STANDARDS_CONSENT) else "",
        }
        return Page("console/edition.html", context)

    @get("/{edition_id:uuid}/compare", permission=STANDARDS_READ)
    async def compare(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        against: FromQuery[Version] = "",
        on: FromQuery[Day] = "",
    ) -> Page:
        """How an edition differs from another version of its pack."""
        edition = await run.read(get_edition, edition_id)
        others = [one for one in await run.read(versions, edition.pack, SHOWN) if one.id != edition_id]
        found = await compare(kernel, run, edition_id, _version(against), day_of(on)) if against else None
        told = found.differences if found else []
        context = {
            "edition": edition,
            "others": others,
            "against": against,
            "found": found,
            "on": on,
            "differences": told[:SHOWN],
            "more": max(0, len(told) - SHOWN),
        }
        return Page("console/compare.html", context)

    @post("/{edition_id:uuid}/publish", permission=STANDARDS_PUBLISH)
    async def publish(
        self,
        edition_id: FromPath[UUID],
        data: URLEncodedBody[DecisionForm],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
    ) -> Redirect:
        """Publish somebody else's draft."""
        await review.publish(kernel, run, edition_id, day_of(data.on), data.reason)
        return _to(edition_id)

    @post("/{edition_id:uuid}/refuse", permission=STANDARDS_PUBLISH)
    async def refuse(
        self, edition_id: FromPath[UUID], data: URLEncodedBody[DecisionForm], run: NamedDependency[Run]
    ) -> Redirect:
        """Say why a draft is not published."""
        await run(refuse, edition_id, data.reason)
        return _to(edition_id)

    @post("/{edition_id:uuid}/withdraw", permission=STANDARDS_PUBLISH)
    async def withdraw(
        self,
        edition_id: FromPath[UUID],
        data: URLEncodedBody[DecisionForm],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
    ) -> Redirect:
        """Let a published edition speak no more."""
        await review.withdraw(kernel, run, edition_id, day_of(data.on), data.reason)
        return _to(edition_id)

    @post("/{edition_id:uuid}/consent", permission=STANDARDS_CONSENT)
    async def consent(
        self,
        edition_id: FromPath[UUID],
        data: URLEncodedBody[ConsentForm],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
    ) -> Redirect:
        """Agree for a consumer of one's own body."""
        await review.agree(kernel, run, edition_id, data.consumer, data.reason)
        return _to(edition_id)


async def _listed(run: Run, of: State, after: UUID | None, *, wrong: Invalid | None = None, summary: str = "") -> Page:
    found = await run.read(editions, of, after, PAGE + 1)
    shown = found[:PAGE]
    context = {
        "editions": [{"href": f"{HOME}/{one.id}", "edition": one} for one in shown],
        "of": of,
        "drafts": run.actor.may(STANDARDS_DRAFT),
        "wrong": wrong,
        "summary": summary,
        "next": f"{HOME}?of={of}&after={shown[-1].id}" if len(found) > PAGE else "",
        "first": f"{HOME}?of={of}" if after else "",
    }
    return Page("console/editions.html", context, status=422 if wrong else 200)


def _version(words: str) -> UUID | None:
    try:
        return None if words == SHIPPED else UUID(words)
    except ValueError:
        raise BadRequest("This is no version of the pack; choose one from the list.") from None


def _to(id: UUID) -> Redirect:
    return Redirect(f"{HOME}/{id}", status_code=HTTP_303_SEE_OTHER)
