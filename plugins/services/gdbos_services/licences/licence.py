"""Licences (电子证照): issued when a case ends well, changed by the issuer, never deleted. Law: 在线政务服务若干规定 art. 10–12.

issue          a licence, or the next version of one, with its document and its entry in the register
change_state   suspend, give back, annul, cancel, revoke (暂扣、恢复、撤销、注销、吊销)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from gdbos import (
    Conflict,
    NewFile,
    NotFound,
    Person,
    Settings,
    Text,
    Unit,
    body_names,
    enterprise_key,
    found_enterprise,
    keep,
    new_id,
    on,
)
from gdbos_services.cases.case import answers_of, get, matter_of, names_of, result_of
from gdbos_services.cases.events import CaseClosed

from .document import MEDIA_TYPE, Printed, printed
from .events import LicenceIssued, LicenceStateChanged
from .face import Values, face_of, lines, masked
from .identifier import identifier, new_serial, new_token
from .permission import READ
from .state import EXPIRED, VALID, on_day, refuse_change
from .tables import licence, licence_register
from .type import LicenceType, find


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure of one licence; nothing that stands on it."""

    id: UUID
    identifier: str
    token: str
    type: str
    division: str
    body: str
    """USCC of the issuer."""
    subject: str
    """Subject key of who applied."""
    holder: str
    """Subject key of who holds it."""
    matter: str
    case: str
    serial: str
    version: int
    follows: UUID | None
    state: str
    issued_on: date
    valid_until: date | None
    file: UUID | None
    issued_at: datetime

    def done(self) -> Done:
        """What the caller of an act is told."""
        return Done(id=self.id, number=self.identifier, state=self.state, version=self.version)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an act answers: which licence, and how it stands now."""

    id: UUID
    number: str
    state: str
    version: int


# Issuing.


def issue(
    unit: Unit,
    *,
    licence_type: str,
    holder: str,
    holder_name: str,
    issuer: str,
    division: str,
    face: Mapping[str, Any],
    subject: str = "",
    matter: str = "",
    case: str = "",
    follows: UUID | None = None,
) -> Licence:
    """Issue a licence: its identifier, its entry in the register, its document.

    :param face: what the case and its result know, by element; what the type does not print is left out.
    :param subject: who applied, where that is not the holder; they see it too.
    :param follows: the licence whose next version this is; that one expires with it.
    :raises NotFound: no such type is in force, or no licence to follow. :raises Conflict: that one has been followed already.
    """
    kind, before = find(unit.standards, licence_type, unit.today), _followed(unit, follows)
    serial = before.serial if before else new_serial()
    version = before.version + 1 if before else 1
    until = kind.valid_until(unit.today)
    name = body_names(unit, [issuer]).get(issuer, Text(issuer))
    values = face_of(kind, face, issuer=name, serial=serial, issued_on=unit.today, until=until)
    made = Licence(
        id=new_id(),
        identifier=identifier(kind.type_code, issuer, serial, version),
        token=new_token(),
        type=licence_type,
        division=division,
        body=issuer,
        subject=subject or holder,
        holder=holder,
        matter=matter,
        case=case,
        serial=serial,
        version=version,
        follows=follows,
        state=VALID,
        issued_on=unit.today,
        valid_until=until,
        file=None,
        issued_at=unit.now,
    )
    made = msgspec.structs.replace(made, file=_document(unit, kind, made, name, values))
    _enter(unit, made, holder_name, values)
    unit.record("licence.issue", licence=str(made.id), identifier=made.identifier, type=licence_type, case=case)
    unit.emit(
        LicenceIssued(
            licence=str(made.id),
            identifier=made.identifier,
            kind=licence_type,
            body=issuer,
            division=division,
            matter=matter,
            case=case,
            version=version,
            follows=str(follows or ""),
        )
    )
    return made


@on(CaseClosed)
def issue_result(unit: Unit, event: CaseClosed) -> None:
    """Issue the licence that is the result of a case that was granted."""
    if event.outcome != "granted":
        return
    case_id = UUID(event.case)
    case, result, names = get(unit, case_id), result_of(unit, case_id), names_of(unit, case_id)
    licence_type = matter_of(unit, case).result.licence
    if not licence_type or _issued(unit, event.case, licence_type):
        return
    kind = find(unit.standards, licence_type, unit.today)
    known = {**answers_of(unit, case_id), **(result.values if result else {})}
    holder = _holder(kind, known, case.subject)
    if kind.founds and result is not None and "uscc" in result.values:
        _found(unit, known, case.division)
    issue(
        unit,
        licence_type=licence_type,
        holder=holder,
        holder_name=str(known.get("enterprise-name", ""))
        if holder != case.subject
        else names.representing or names.applicant,
        issuer=case.body,
        division=case.division,
        face=known,
        subject=case.subject,
        matter=case.matter,
        case=event.case,
    )


def _found(unit: Unit, known: Mapping[str, Any], division: str) -> None:
    """Let identity know the enterprise whose number the registry has just given, so that its representative acts for it."""
    head = Person(
        name=str(known.get("legal-representative-name", "")),
        citizen_id=str(known.get("legal-representative-citizen-id", "")),
    )
    found_enterprise(
        unit,
        uscc=str(known["uscc"]),
        name=str(known.get("enterprise-name", "")),
        division=division,
        representative=head,
    )


def _issued(unit: Unit, case: str, licence_type: str) -> bool:
    """Whether the case has its licence already: however often its end is told, it brings one."""
    mine = unit.rows(licence, licence.c.id).where(licence.c.case == case, licence.c.type == licence_type)
    return unit.execute(mine.limit(1)).first() is not None


def _holder(kind: LicenceType, known: Mapping[str, Any], applied: str) -> str:
    """An enterprise that the case itself brought into being holds its licence, not the person who applied."""
    return enterprise_key(str(known["uscc"])) if kind.holder != "person" and known.get("uscc") else applied


def _followed(unit: Unit, follows: UUID | None) -> Licence | None:
    if follows is None:
        return None
    before = get_licence(unit, follows, lock=True)
    _set_state(unit, before, EXPIRED)
    return before


def _document(unit: Unit, kind: LicenceType, made: Licence, issuer: Text, values: Values) -> UUID:
    content = printed(sheet_of(unit, kind, made, issuer, values))
    new = NewFile(
        name=f"{kind.title.zh}.pdf",
        media_type=MEDIA_TYPE,
        subject=made.subject,
        purpose="issued",
        case=made.case,
        matter=made.matter,
        body=made.body,
        division=made.division,
        permission=READ.name,
    )
    return keep(unit, new, content).id


def sheet_of(unit: Unit, kind: LicenceType, one: Licence, issuer: Text, values: Values) -> Printed:
    """What the document of a licence shows."""
    return Printed(
        title=kind.title,
        lines=lines(kind, values, unit.standards, one.issued_on),
        issuer=issuer,
        issued_on=one.issued_on,
        valid_until=one.valid_until,
        identifier=one.identifier,
        verify=verify_address(unit, one.token),
    )


def verify_address(unit: Unit, token: str) -> str:
    """Where a QR code leads: the public page that says whether the licence is true."""
    http = unit.config(Settings).http
    return f"{http.url or f'http://{http.host}:{http.port}'}/verify/{token}".replace("//verify", "/verify")


def _enter(unit: Unit, made: Licence, holder_name: str, values: Values) -> None:
    shown = masked(values, unit.standards, unit.today)
    row = {name: getattr(made, name) for name in OWN_COLUMNS}
    entry = {name: getattr(made, name) for name in REGISTER_COLUMNS} | {"issuer": made.body, "changed_at": unit.now}
    unit.execute(
        insert(licence).values(
            row
            | {"holder_name": _seal(unit, made, "holder_name", holder_name), "face": _seal(unit, made, "face", values)}
        )
    )
    sealed = unit.vault.seal(msgspec.json.encode(shown), table=licence_register.name, column="masked", row=made.id)
    unit.execute(insert(licence_register).values(entry | {"masked": sealed}))


# Changing.


def change_state(unit: Unit, licence_id: UUID, state: str, reason: str) -> Done:
    """Suspend a licence, give it back, or end it. Law: 行政许可法 art. 69, 70.

    :raises NotFound: it is none of the actor's body. :raises Conflict: its state does not allow it.
    """
    before = get_licence(unit, licence_id, lock=True)
    after = _set_state(unit, before, state)
    unit.record("licence.change-state", licence=str(licence_id), state=state, reason=reason)
    return after.done()


def _set_state(unit: Unit, before: Licence, state: str) -> Licence:
    now = on_day(before.state, before.valid_until, unit.today)
    refuse_change(now, state, unit.standards, unit.today)
    t = licence_register.c
    mine = (t.id == before.id) & (t.state == before.state)
    if unit.execute(update(licence_register).where(mine).values(state=state, changed_at=unit.now)).rowcount != 1:
        raise Conflict("The licence was changed by someone else meanwhile; look at it again.")
    unit.emit(
        LicenceStateChanged(
            licence=str(before.id),
            identifier=before.identifier,
            kind=before.type,
            body=before.body,
            division=before.division,
            state=state,
        )
    )
    return msgspec.structs.replace(before, state=state)


# Reading, inside units.

OWN_COLUMNS = ("id", "division", "body", "subject", "holder", "type", "matter", "case", "file", "issued_at")
REGISTER_COLUMNS = (
    "id",
    "identifier",
    "token",
    "type",
    "serial",
    "version",
    "follows",
    "state",
    "issued_on",
    "valid_until",
)
_COLUMNS = [
    *(licence.c[name] for name in (*OWN_COLUMNS, "holder_name", "face")),
    *(licence_register.c[name] for name in REGISTER_COLUMNS if name not in ("id", "type")),
]


def licences_query(unit: Unit) -> Any:
    """The licences the actor may see, each with its entry in the register."""
    return unit.rows(licence, *_COLUMNS).join(licence_register, licence_register.c.id == licence.c.id)


def get_licence(unit: Unit, licence_id: UUID, *, lock: bool = False) -> Licence:
    """The licence, if it is one the actor may see. :raises NotFound: it is not, or there is none."""
    return licence_of(row_of(unit, licence_id, lock=lock))


def row_of(unit: Unit, licence_id: UUID, *, lock: bool = False) -> Mapping[str, Any]:
    """The row of a licence, sealed columns and all. :raises NotFound: it is not the actor's to see."""
    query = licences_query(unit).where(licence.c.id == licence_id)
    row = unit.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFound("There is no such licence, or it is not yours to see.")
    return dict(row)


def licence_of(row: Mapping[str, Any]) -> Licence:
    """A row as a licence."""
    return Licence(**{name: row[name] for name in Licence.__struct_fields__})


def holder_name_of(unit: Unit, row: Mapping[str, Any]) -> str:
    """The sealed name of the holder."""
    return str(_open(unit, row, "holder_name"))


def values_of(unit: Unit, row: Mapping[str, Any]) -> Values:
    """The sealed face, by element."""
    return dict(_open(unit, row, "face"))


def _seal(unit: Unit, one: Licence, column: str, value: object) -> bytes:
    content = msgspec.json.encode(value)
    return unit.vault.seal(content, table=licence.name, column=column, row=one.id, division=one.division)


def _open(unit: Unit, row: Mapping[str, Any], column: str) -> Any:
    plain = unit.vault.open(row[column], table=licence.name, column=column, row=row["id"], division=row["division"])
    return msgspec.json.decode(plain)
