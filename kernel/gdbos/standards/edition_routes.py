"""``/api/standards/editions``: drafts, their review, publication, withdrawal; and schemas."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.console.permissions import STANDARDS_CONSENT, STANDARDS_DRAFT, STANDARDS_PUBLISH, STANDARDS_READ
from gdbos.kernel import Kernel
from gdbos.plugin import PUBLIC
from gdbos.unit import Run, Unit

from . import review
from .asked import On
from .compare import Compared, compare
from .consent import Consent
from .edition import Edition, State, editions, parcel, refuse
from .registry import Standards
from .review import Review
from .schema import names, schema
from .unchanged import NOT_MODIFIED, Tagged, unchanged
from .upload import form_of, sent_table

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Editions(msgspec.Struct, frozen=True):
    """Editions, newest first; ``next`` is the key of the following page."""

    editions: list[Edition]
    signer: str
    """The key (name+id+key) under which this node publishes; others name it in their ``[standards] signers``."""
    next: UUID | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and from which day on; today where none is named."""

    reason: Reason
    on: date | None = None


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a draft is not published."""

    reason: Reason


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer's consent to a publication or withdrawal that would break it."""

    consumer: Annotated[str, msgspec.Meta(min_length=1, max_length=240)]
    reason: Reason


class EditionRoutes(Controller):
    """Versions of packs on their way to publication."""

    path = "/api/standards/editions"
    tags = ("standards",)

    @get(permission=STANDARDS_READ)
    async def editions(
        self,
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        of: FromQuery[State | None] = None,
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=200)]] = 50,
    ) -> Editions:
        """Editions, newest first."""
        found = await run.read(editions, of, after, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return Editions(found[:limit], kernel.shelf.signer().verifier.vkey, more)

    @post(permission=STANDARDS_DRAFT, file=True, operation_class=form_of("summary"))
    async def draft(
        self, request: Request[Any, Any, Any], run: NamedDependency[Run], kernel: NamedDependency[Kernel]
    ) -> Edition:
        """Hand in a pack as a draft (multipart/form-data: ``file``, a ZIP of its folder, and ``summary``)."""
        content, summary = await sent(request)
        return await review.draft(kernel, run, content, summary)

    @get("/{edition_id:uuid}/review", permission=STANDARDS_READ)
    async def review(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        on: FromQuery[date | None] = None,
    ) -> Review:
        """An edition with its faults, what it changes in words, whom it breaks, and whose law has ended."""
        return await review.review(kernel, run, edition_id, on)

    @get("/{edition_id:uuid}/differences", permission=STANDARDS_READ)
    async def differences(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        against: FromQuery[
            Annotated[
                UUID | None, QueryParameter(description="Another edition of the pack; the pack as it ships if absent.")
            ]
        ] = None,
        on: On = None,
    ) -> Compared:
        """How an edition differs from another version of its pack, in words."""
        return await compare(kernel, run, edition_id, against, on)

    @get("/{edition_id:uuid}/parcel", permission=STANDARDS_READ)
    async def parcel(self, edition_id: FromPath[UUID], run: NamedDependency[Run]) -> Response[bytes]:
        """The pack's files as a ZIP; once published, with the node's signed note."""
        content = await run.read(_parcel, edition_id)
        named = {"content-disposition": f'attachment; filename="{edition_id}.zip"'}
        return Response(content, media_type="application/zip", headers=named)

    @post("/{edition_id:uuid}/publish", permission=STANDARDS_PUBLISH, status_code=200)
    async def publish(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        data: JSONBody[Decision],
    ) -> Edition:
        """Publish somebody else's draft, from a day on: signed, recorded, known to every worker within a second."""
        return await review.publish(kernel, run, edition_id, data.on, data.reason)

    @post("/{edition_id:uuid}/refuse", permission=STANDARDS_PUBLISH, status_code=200)
    async def refuse(self, edition_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Refusal]) -> Edition:
        """Say why a draft is not published."""
        return await run(refuse, edition_id, data.reason)

    @post("/{edition_id:uuid}/withdraw", permission=STANDARDS_PUBLISH, status_code=200)
    async def withdraw(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        data: JSONBody[Decision],
    ) -> Edition:
        """Let a published edition speak no more from a day on; what stood before it speaks again."""
        return await review.withdraw(kernel, run, edition_id, data.on, data.reason)

    @post("/{edition_id:uuid}/consent", permission=STANDARDS_CONSENT, status_code=200)
    async def consent(
        self,
        edition_id: FromPath[UUID],
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        data: JSONBody[Agreement],
    ) -> Consent:
        """Agree, for a consumer of one's own body that would break, that a draft is published or an edition withdrawn."""
        return await review.agree(kernel, run, edition_id, data.consumer, data.reason)


class SchemaRoutes(Controller):
    """What packs are written in, and what each level changed."""

    path = "/api/standards"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]
    response_class = Tagged

    @get("/schemas", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def schemas(self, standards: NamedDependency[Standards]) -> list[str]:
        """The kinds of files in a pack."""
        return names(standards.kinds)

    @get("/schemas/{kind:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def schema(self, kind: FromPath[str], standards: NamedDependency[Standards]) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the files of a kind, for editors."""
        return schema(standards.kinds, kind)


ROUTES = [EditionRoutes, SchemaRoutes]


async def sent(request: Request[Any, Any, Any]) -> tuple[bytes, str]:
    """The ZIP and the summary of a form. :raises Unsupported, Invalid, TooLarge: it is not such a form."""
    file, texts = await sent_table(request, "summary")
    return await file.read(), texts["summary"]


def _parcel(unit: Unit, id: UUID) -> bytes:
    return parcel(unit.connection, id)
