"""A case as it is kept: its row, its steps, its basis, and how they are read and written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from gdbos import Basis, Calendar, Conflict, Correction, Extension, NotFound, Suspension, Unit, new_id
from gdbos_services.matters.matter import Matter, find

from .dossier import Dossier, Names, Result, dossier_in, names_in, result_in, seal_dossier, seal_words
from .permission import READ
from .state import Act, State, next_state
from .tables import case, case_material, case_result, case_step

STEP_EVENTS: Mapping[Act, str] = {
    Act.SUBMIT: "01",
    Act.LEAVE: "02",
    Act.ACCEPT: "03",
    Act.DEEM: "03",
    Act.DECLINE: "03",
    Act.APPROVE: "05",
    Act.REJECT: "05",
    Act.WAIT: "07",
    Act.FINISH: "08",
    Act.VOID: "08",
    Act.ASK: "11",
    Act.SUPPLY: "11",
    Act.SUSPEND: "12",
    Act.RESUME: "12",
    Act.EXTEND: "13",
}
"""Acts as the code list ``case.event`` names them, for reporting up."""


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """Who applies: the person who acts, and what they are called."""

    subject: str
    name: str = ""
    kind: str = "1"
    """Code of ``case.applicant-type``."""


class Handed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A material (材料) that goes with a case."""

    material: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    """Its id in the matter's list."""
    file: UUID | None = None
    how: Annotated[str, msgspec.Meta(pattern=r"\A[1-5]\Z")] = "2"
    """Code of ``case.material-get-type``."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an act answers: which case, and how it stands now. The case itself is read through the bus."""

    id: UUID
    number: str
    state: State
    version: int
    note: str = ""
    """What happened instead of what was asked, where the law says so; an English message id."""


class Recalled(msgspec.Struct, frozen=True):
    """A value that the case received and that was corrected at its source since."""

    service: str
    fields: tuple[str, ...]
    at: datetime


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure of one case; nothing personal."""

    id: UUID
    division: str
    body: str
    """USCC of the body that handles it."""
    subject: str
    """Subject key of the person or enterprise the case is about."""
    number: str
    matter: str
    matter_version: int
    pinned_on: date
    """The matter's rules are read as of this day: the day it was filed, and before that the day of the draft."""
    state: State
    version: int
    applicant: str
    applicant_kind: str
    bundle: str
    channel: str
    handler: str
    """Who in the body first acted on it."""
    drafted_at: datetime
    expires_at: datetime | None
    received_at: datetime | None
    accepted_at: datetime | None
    accepted_on: date | None
    deemed: bool
    decided_at: datetime | None
    closed_at: datetime | None
    acceptance_due: date | None
    legal_due: date | None
    promise_due: date | None
    due_key: str
    suspensions: tuple[Suspension, ...]
    extensions: tuple[Extension, ...]
    corrections: tuple[Correction, ...]
    rule: str
    sample: bool
    waits: str
    asked: int
    trips: int
    """How often the matter makes whoever hands it in appear (到办事现场次数); 0 for a draft."""
    outcome: str
    recalled: tuple[Recalled, ...] = ()

    def after(self, act: Act, **changes: Any) -> Case:
        """The case once ``act`` is done. :raises Conflict: its state does not allow it."""
        state = next_state(self.state, act, self.number or str(self.id))
        return msgspec.structs.replace(self, state=state, version=self.version + 1, **changes)

    def done(self, note: str = "") -> Done:
        """What the caller is told."""
        return Done(id=self.id, number=self.number, state=self.state, version=self.version, note=note)

    @property
    def whose(self) -> dict[str, str]:
        """Whose every row about the case is."""
        return {"division": self.division, "body": self.body, "subject": self.subject, "matter": self.matter}

    @property
    def facts(self) -> dict[str, Any]:
        """What every event of the case says."""
        return {
            "case": str(self.id),
            "number": self.number,
            "matter": self.matter,
            "body": self.body,
            "division": self.division,
            "bundle": self.bundle,
        }


# Reading, inside units.


def get(unit: Unit, case_id: UUID, *, lock: bool = False) -> Case:
    """The case, if it is one the actor may see. :raises NotFound: it is not, or there is none."""
    query = unit.rows(case).where(case.c.id == case_id)
    row = unit.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFound("There is no such case, or it is not yours to see.")
    return case_of(row)


def case_of(row: Mapping[Any, Any]) -> Case:
    """A row as a case."""
    fields = {name: row[name] for name in Case.__struct_fields__}
    fields |= {
        "number": row["number"] or "",
        "state": State(row["state"]),
        "suspensions": msgspec.convert(row["suspensions"], tuple[Suspension, ...]),
        "extensions": msgspec.convert(row["extensions"], tuple[Extension, ...]),
        "corrections": msgspec.convert(row["corrections"], tuple[Correction, ...]),
        "recalled": msgspec.convert(row["recalled"], tuple[Recalled, ...]),
    }
    return Case(**fields)


def answers_of(unit: Unit, case_id: UUID) -> dict[str, Any]:
    """The answers by element. Inside units only: whoever shows them goes through the bus."""
    return dossier_of(unit, case_id).answers


def dossier_of(unit: Unit, case_id: UUID) -> Dossier:
    """The answers, and which of them were filled in. :raises NotFound: the case is not the actor's to see."""
    row = unit.execute(unit.rows(case, case.c.answers, case.c.division).where(case.c.id == case_id)).first()
    if row is None:
        raise NotFound("There is no such case, or it is not yours to see.")
    return dossier_in(unit, row.answers, case_id, row.division)


def names_of(unit: Unit, case_id: UUID) -> Names:
    """Who applied, and whom they represent. :raises NotFound: the case is not the actor's to see."""
    row = unit.execute(unit.rows(case, case.c.names, case.c.division).where(case.c.id == case_id)).first()
    if row is None:
        raise NotFound("There is no such case, or it is not yours to see.")
    return names_in(unit, row.names, case_id, row.division)


def result_of(unit: Unit, case_id: UUID) -> Result | None:
    """How the case ended; None while it has no result."""
    query = unit.rows(case_result, case_result.c.words, case_result.c.division).where(case_result.c.case == case_id)
    row = unit.execute(query).first()
    return result_in(unit, row.words, case_id, row.division) if row else None


def matter_of(unit: Unit, one: Case) -> Matter:
    """The matter as it stood when the case was filed."""
    return find(unit.standards, one.matter, one.pinned_on)


def calendar_of(unit: Unit, one: Case) -> Calendar:
    """The working days where the case is handled."""
    return unit.standards.calendar(one.division)


# Writing, by the acts of a case only.


def values_of(one: Case) -> dict[str, Any]:
    """The case as a row."""
    values = msgspec.structs.asdict(one)
    for name in ("suspensions", "extensions", "corrections", "recalled"):
        values[name] = msgspec.to_builtins(values[name])
    return values | {"number": one.number or None, "state": str(one.state)}


def store(unit: Unit, before: Case, after: Case, *, answers: Dossier | None = None) -> None:
    """Write ``after`` over ``before``. :raises Conflict: someone else has written meanwhile."""
    values = values_of(after)
    if answers is not None:
        values["answers"] = seal_dossier(unit, after.id, after.division, answers)
    mine = (case.c.id == before.id) & (case.c.version == before.version)
    if unit.execute(update(case).where(mine).values(values)).rowcount != 1:
        raise Conflict(
            "Case {number} was changed by someone else meanwhile; look at it again.", number=before.number or "—"
        )


def note(unit: Unit, one: Case, act: Act, words: str = "", **facts: Any) -> None:
    """Write what was done into the case's history and into the ledger."""
    row = new_id()
    unit.execute(
        insert(case_step).values(
            id=row,
            **one.whose,
            case=one.id,
            act=str(act),
            event=STEP_EVENTS.get(act, ""),
            state=str(one.state),
            at=unit.now,
            by=unit.actor.id,
            by_kind=unit.actor.kind,
            facts=facts,
            words=seal_words(unit, row, one.division, words) if words else None,
        )
    )
    unit.record(f"case.{act}", case=str(one.id), number=one.number, state=str(one.state), **facts)


def hold_basis(unit: Unit, one: Case, until: datetime | None = None) -> None:
    """Give the handling body its basis to see the subject, and the person who acts for it."""
    unit.close_bases(str(one.id))
    for subject in dict.fromkeys((one.subject, one.applicant)):
        unit.open_basis(basis_of(one, subject, until=until))


def basis_of(one: Case, subject: str, **how: Any) -> Basis:
    """Why the handling body may see ``subject``: the case. Its files are for officials who may see cases."""
    return Basis(subject=subject, body=one.body, matter=one.matter, case=str(one.id), permission=READ.name, **how)


def received_on(unit: Unit, one: Case) -> date:
    """The civil day of the receipt."""
    assert one.received_at is not None, "only a case that was received is counted from its receipt"
    return one.received_at.astimezone(unit.around.zone).date()


def handed(unit: Unit, one: Case) -> set[str]:
    """Ids of the materials that are with the case."""
    query = unit.rows(case_material, case_material.c.material).where(case_material.c.case == one.id)
    return set(unit.execute(query).scalars())
