"""Licences as the bus shows them: one's own list, one with its face, its document as an annotated copy. There is no other read path."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from gdbos import Consumption, Disclosed, Gone, Offer, Text, Unit, body_names

from .document import MEDIA_TYPE, Note, printed
from .face import Values
from .licence import holder_name_of, licence_of, licences_query, row_of, sheet_of, values_of, verify_address
from .permission import READ
from .state import SUSPENDED, VALID, on_day, title
from .tables import licence
from .type import find

ByElement = Annotated[dict[str, Any], msgspec.Meta(extra={"keys": "element"})]
"""Values under the ids of their elements: each is masked by its own."""
HolderName = Annotated[str, msgspec.Meta(extra={"element": "licence-holder"})]
CaseId = Annotated[str, msgspec.Meta(max_length=50)]
MatterId = Annotated[str, msgspec.Meta(max_length=120)]
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]


class MineQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of one's own licences: the newest first, ``after`` the last one already seen."""

    after: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cases: Annotated[list[CaseId], msgspec.Meta(max_length=50)] = []
    """Only those that these cases brought; empty: all."""


class LicenceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which licence; a body also says in which live case it needs it."""

    licence: UUID
    matter: MatterId = ""
    case: CaseId = ""


class DocumentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A copy of which licence, and what for: the purpose stands across every page of it (加注件)."""

    licence: UUID
    purpose: Purpose
    until: date | None = None
    matter: MatterId = ""
    case: CaseId = ""


class LicenceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One licence in a list."""

    id: UUID
    identifier: str
    type: str
    title: Text
    holder_name: HolderName
    issuer: str
    issuer_name: Text
    issued_on: date
    valid_until: date | None
    state: str
    state_title: Text
    version: int
    matter: str
    case: str
    subject: str
    """Key of whom it is about, as the reader knows them: the receipt is theirs."""


class Licences(msgspec.Struct, frozen=True):
    """A page of licences, the newest first; ``next`` is the key of the following page."""

    licences: list[LicenceEntry]
    next: UUID | None = None


class LicenceView(LicenceEntry, frozen=True, kw_only=True):
    """One licence with what stands on it."""

    face: ByElement
    follows: UUID | None
    """The version whose place it took."""
    file: UUID | None
    """The issued document, as it was signed and kept."""
    issued_at: datetime
    verify: str
    """Address of its public verification."""


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """An annotated copy. Its ``repr`` shows nothing personal."""

    name: str
    media_type: str
    content: bytes
    """Base64 in JSON."""
    identifier: str
    subject: str
    matter: str
    case: str

    def __repr__(self) -> str:
        return f"Copy({self.media_type}, {len(self.content)})"


def show_mine(unit: Unit, query: MineQuery) -> Licences:
    """The licences that the actor's rows hold."""
    statement = licences_query(unit).order_by(licence.c.id.desc()).limit(query.limit + 1)
    if query.after:
        statement = statement.where(licence.c.id < query.after)
    if query.cases:
        statement = statement.where(licence.c.case.in_(query.cases))
    rows = [dict(row) for row in unit.execute(statement).mappings()]
    names = body_names(unit, sorted({row["body"] for row in rows}))
    shown = [_entry(unit, row, names) for row in rows[: query.limit]]
    return Licences(shown, shown[-1].id if len(rows) > query.limit else None)


def show_licence(unit: Unit, query: LicenceQuery) -> LicenceView:
    """One licence whole. :raises NotFound: it is not the caller's to see."""
    row = row_of(unit, query.licence)
    entry = _entry(unit, row, body_names(unit, [row["body"]]), query)
    return LicenceView(
        **msgspec.structs.asdict(entry),
        face=values_of(unit, row),
        follows=row["follows"],
        file=row["file"],
        issued_at=row["issued_at"],
        verify=verify_address(unit, row["token"]),
    )


def show_copy(unit: Unit, query: DocumentQuery) -> Copy:
    """A copy made now, for one purpose. :raises Gone: the licence does not hold any more, so nothing is proved by it."""
    row = row_of(unit, query.licence)
    one, kind = licence_of(row), find(unit.standards, row["type"], row["issued_on"])
    state = on_day(one.state, one.valid_until, unit.today)
    if state not in (VALID, SUSPENDED):
        raise Gone(
            "The licence is {state}; no copies of it are given out.", state=title(unit.standards, state, unit.today)
        )
    issuer = body_names(unit, [one.body], one.issued_on).get(one.body, Text(one.body))
    sheet = sheet_of(unit, kind, one, issuer, values_of(unit, row))
    note = Note(purpose=query.purpose, made_on=unit.today, until=query.until)
    whose = _disclosed_as(unit, row, query)
    return Copy(
        name=f"{kind.title.zh}.pdf",
        media_type=MEDIA_TYPE,
        content=printed(sheet, note),
        identifier=one.identifier,
        subject=whose.subject,
        matter=whose.matter,
        case=whose.case,
    )


def values(view: LicenceView) -> Values:
    """The face as it was shown, masked where the reader may not see more."""
    return dict(view.face)


def _entry(
    unit: Unit, row: Mapping[str, Any], names: Mapping[str, Text], query: LicenceQuery | None = None
) -> LicenceEntry:
    kind = find(unit.standards, row["type"], row["issued_on"])
    state = on_day(row["state"], row["valid_until"], unit.today)
    whose = _disclosed_as(unit, row, query)
    return LicenceEntry(
        id=row["id"],
        identifier=row["identifier"],
        type=row["type"],
        title=kind.title,
        holder_name=holder_name_of(unit, row),
        issuer=row["body"],
        issuer_name=names.get(row["body"], Text(row["body"])),
        issued_on=row["issued_on"],
        valid_until=row["valid_until"],
        state=state,
        state_title=title(unit.standards, state, unit.today),
        version=row["version"],
        matter=whose.matter,
        case=whose.case,
        subject=whose.subject,
    )


def _disclosed_as(unit: Unit, row: Mapping[str, Any], query: LicenceQuery | DocumentQuery | None) -> Disclosed:
    """Whose data the reader sees, and in which case: their own, by whichever key it is theirs; else the holder's, in the case cited."""
    own = next((row[key] for key in ("holder", "subject") if row[key] in unit.actor.subjects), "")
    if own or query is None or not query.case:
        return Disclosed(own or row["holder"], row["matter"], row["case"])
    return Disclosed(row["holder"], query.matter, query.case)


def _of_list(_: MineQuery, reply: Licences) -> list[Disclosed]:
    return [Disclosed(one.subject, one.matter, one.case) for one in reply.licences]


def _of_one(_: Any, reply: LicenceView | Copy) -> list[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


MINE = Offer(
    code="services.licences.mine",
    title=Text("我的证照", "My licences"),
    takes=MineQuery,
    gives=Licences,
    provide=show_mine,
    discloses=_of_list,
    permission=READ,
    own=True,
)
LICENCE = Offer(
    code="services.licences.licence",
    title=Text("电子证照照面", "One licence with its face"),
    takes=LicenceQuery,
    gives=LicenceView,
    provide=show_licence,
    discloses=_of_one,
    permission=READ,
)
DOCUMENT = Offer(
    code="services.licences.document",
    title=Text("电子证照加注件", "An annotated copy of a licence"),
    takes=DocumentQuery,
    gives=Copy,
    provide=show_copy,
    discloses=_of_one,
    permission=READ,
    grade="important",
)
OFFERS = [MINE, LICENCE, DOCUMENT]
CONSUMES = [
    Consumption(
        service=LICENCE.code,
        purpose=Text("办理在办事项时查验证照", "Check a licence while handling a live case"),
        clear=("face", "holder_name"),
    ),
    Consumption(
        service=DOCUMENT.code,
        purpose=Text("办理在办事项时取用证照文件", "Use the document of a licence while handling a live case"),
        clear=("content",),
    ),
]
