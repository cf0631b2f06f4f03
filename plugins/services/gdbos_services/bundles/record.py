"""A bundle as it is kept: its row, its cases, and how they are read and written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, update

from gdbos import Conflict, NotFound, Unit
from gdbos_services.forms.form import Sheet

from .kept import Kept, opened, sealed
from .one_form import one_form
from .plan import Choice, Plan, choose, find
from .tables import bundle, bundle_child


class State(StrEnum):
    """Where a bundle stands."""

    FILLING = "filling"
    """The one form is being filled in."""
    RUNNING = "running"
    """It was handed in; departments are at work."""
    FINISHED = "finished"
    """Every case has ended."""
    VOID = "void"
    """It was never handed in, and its drafts have lapsed."""


class ChildState(StrEnum):
    """Where one case of a bundle stands, as far as the bundle cares; the rest is the case's own."""

    DRAFT = "draft"
    WAITING = "waiting"
    """For the result of another case."""
    INCOMPLETE = "incomplete"
    """What it waited for has come and its form still lacks something; the applicant has to look at it."""
    SUBMITTED = "submitted"
    GRANTED = "granted"
    REFUSED = "refused"
    VOID = "void"


ENDED = frozenset({ChildState.GRANTED, ChildState.REFUSED, ChildState.VOID})


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The procedure of one bundle; nothing personal."""

    id: UUID
    division: str
    body: str
    subject: str
    applicant: str
    plan: str
    plan_version: int
    pinned_on: date
    state: State
    version: int
    started_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    counts: dict[str, Any] | None

    def done(self) -> Done:
        """What the caller of an act is told."""
        return Done(id=self.id, number="", state=self.state, version=self.version)

    @property
    def facts(self) -> dict[str, str]:
        """What every event of the bundle says."""
        return {"bundle": str(self.id), "plan": self.plan, "body": self.body, "division": self.division}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an act answers: which bundle, and how it stands now. The bundle itself is read through the bus."""

    id: UUID
    number: str
    """Empty: each case of a bundle has a number of its own."""
    state: State
    version: int


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a bundle."""

    case: UUID
    bundle: UUID
    division: str
    body: str
    subject: str
    place: int
    matter: str
    needs: tuple[str, ...]
    state: ChildState
    number: str
    facts: dict[str, Any]


# Reading, inside units.


def bundles_query(unit: Unit) -> Select[Any]:
    """The bundles that the actor may see: who is limited to some matters, those in which a case is theirs."""
    found = unit.rows(bundle)
    if unit.actor.matters:
        found = found.where(bundle.c.id.in_(unit.rows(bundle_child, bundle_child.c.bundle)))
    return found


def get(unit: Unit, bundle_id: UUID, *, lock: bool = False) -> Bundle:
    """The bundle, if it is one the actor may see. :raises NotFound: it is not, or there is none."""
    query = bundles_query(unit).where(bundle.c.id == bundle_id)
    row = unit.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise nowhere()
    return bundle_of(row)


def nowhere() -> NotFound:
    return NotFound("There is no such bundle, or it is not yours to see.")


def bundle_of(row: Mapping[Any, Any]) -> Bundle:
    """A row as a bundle."""
    fields: dict[str, Any] = {name: row[name] for name in Bundle.__struct_fields__}
    fields["state"] = State(row["state"])
    return Bundle(**fields)


def children(unit: Unit, bundle_id: UUID) -> list[Child]:
    """The cases of a bundle that the actor may see, in the plan's order."""
    query = unit.rows(bundle_child).where(bundle_child.c.bundle == bundle_id).order_by(bundle_child.c.place)
    return [_child(row) for row in unit.execute(query).mappings()]


def _child(row: Mapping[Any, Any]) -> Child:
    fields = {name: row[name] for name in Child.__struct_fields__}
    return Child(**fields | {"needs": tuple(row["needs"]), "state": ChildState(row["state"])})


def kept_of(unit: Unit, one: Bundle) -> Kept:
    """The answers and their sources: one form for every matter, so it is for those alone who may see all of them.

    :raises NotFound: the actor is limited to some of the matters, or the bundle is not theirs to see.
    """
    row = unit.execute(unit.rows(bundle, bundle.c.kept, bundle.c.division).where(bundle.c.id == one.id)).first()
    if row is None:
        raise nowhere()
    kept = opened(unit, row.kept, one.id, row.division)
    if unit.actor.matters and not set(choice_of(unit, one, kept).matters) <= set(unit.actor.matters):
        raise nowhere()
    return kept


def plan_of(unit: Unit, one: Bundle) -> Plan:
    """The plan as it stood when the bundle was started."""
    return find(unit.standards, one.plan, one.pinned_on)


def sheet_of(unit: Unit, one: Bundle, choice: Choice) -> Sheet:
    """The one form: what the chosen matters ask together, each element once."""
    return one_form(unit.standards, choice, one.pinned_on)


def choice_of(unit: Unit, one: Bundle, kept: Kept) -> Choice:
    """What the applicant chose, from what they answered to the guidance."""
    return choose(plan_of(unit, one), kept.guidance)


def settled_in(sheet: Sheet, choice: Choice) -> dict[str, str]:
    """What guidance has answered of what the departments receive."""
    return {element: value for element, value in choice.settled.items() if element in sheet.known}


# Writing, by the acts of a bundle only.


def store(unit: Unit, before: Bundle, after: Bundle, kept: Kept | None = None) -> Bundle:
    """Write ``after`` over ``before``, one version on. :raises Conflict: someone else has written meanwhile."""
    after = msgspec.structs.replace(after, version=before.version + 1)
    values: dict[str, Any] = msgspec.structs.asdict(after) | {"state": str(after.state)}
    if kept is not None:
        values["kept"] = sealed(unit, after.id, after.division, kept)
    mine = (bundle.c.id == before.id) & (bundle.c.version == before.version)
    if unit.execute(update(bundle).where(mine).values(values)).rowcount != 1:
        raise Conflict("The bundle was changed by someone else meanwhile; look at it again.")
    return after


def store_child(unit: Unit, after: Child) -> None:
    """Write how one case stands."""
    values = {"state": str(after.state), "number": after.number, "facts": after.facts}
    unit.execute(update(bundle_child).where(bundle_child.c.case == after.case).values(values))
