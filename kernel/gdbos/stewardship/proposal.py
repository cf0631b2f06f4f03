"""Proposals (数据元提案): an element that somebody brought, what it resembles, and what a steward made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Index, String, Table, UniqueConstraint, Uuid, func, insert, select, update
from sqlalchemy import Text as LongText

from gdbos.errors import Conflict, Invalid, NotFound, Violation
from gdbos.ids import new_id
from gdbos.standards import Element
from gdbos.standards.importing import with_ids
from gdbos.standards.similar import Finder, Likeness
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.text import N_
from gdbos.unit import Unit

State = Literal["open", "merged", "added", "refused"]
TERMS = "element.property-term"
"""The code list whose titles are words for properties (名称, 日期, …)."""
LIBRARY = "library"
"""The source of proposals that come of looking through the elements in force."""
MOST = 5_000
"""Elements of one import."""

element_proposal = Table(
    "element_proposal",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", String(120), nullable=False),
    Column("element", String(120), nullable=False),
    Column("value", JSON, nullable=False),
    Column("near", JSON, nullable=False),
    Column("state", String(8), nullable=False),
    Column("into", String(120), nullable=False),
    Column("reason", LongText, nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_by", String(80), nullable=False),
    Column("decided_at", Instant),
    UniqueConstraint("source", "element", name="element_proposal_source"),
    Index("element_proposal_state", "state", "id"),
)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One element proposed."""

    id: UUID
    source: str
    """What it was read from: a file's, database's or form's name."""
    value: Element
    near: tuple[Likeness, ...]
    state: State
    into: str
    """The element it was merged into."""
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None


class Proposals(msgspec.Struct, frozen=True, kw_only=True):
    """A page of proposals."""

    items: list[Proposal]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an import."""

    source: str
    proposed: int
    known: int
    """Elements that this source has brought before; what was decided of them stands."""
    resembling: int
    """Of the proposed, those that resemble an element in force."""


def propose(unit: Unit, source: str, elements: Iterable[Element]) -> Imported:
    """Enter elements as proposals, each with what it resembles among those in force and among the others of the import.

    Raises:
        Invalid: the source has no name, or there are too many elements or none.
    """
    brought = {element.id: element for element in with_ids(elements)}
    if not source or not 0 < len(brought) <= MOST:
        detail = N_("An import has a name and from 1 to {most} elements.")
        raise Invalid(violations=[Violation("$.elements", "length", detail, facts={"most": MOST})])
    known = _known(unit, source)
    new = [element for id, element in brought.items() if id not in known]
    finder = finder_of(unit)
    rows = [_row(unit, source, element, finder.like(element)) for element in new]
    if rows:
        unit.execute(insert(element_proposal), rows)
    unit.record("standards.propose", source=source, proposed=len(rows), known=len(brought) - len(rows))
    near = sum(1 for row in rows if row["near"])
    return Imported(source=source, proposed=len(rows), known=len(brought) - len(rows), resembling=near)


def look_through(unit: Unit) -> Imported:
    """Propose to merge elements in force that resemble each other; pairs that a steward has decided stay decided."""
    known, finder = _known(unit, LIBRARY), finder_of(unit)
    found: dict[str, list[Likeness]] = {}
    elements = {element.id: element for element in unit.standards.values(Element, unit.today)}
    for element, likeness in finder.pairs():
        found.setdefault(element.id, []).append(likeness)
    rows = [_row(unit, LIBRARY, elements[id], near) for id, near in found.items() if id not in known]
    if rows:
        unit.execute(insert(element_proposal), rows)
    unit.record("standards.propose", source=LIBRARY, proposed=len(rows), known=len(found) - len(rows))
    return Imported(source=LIBRARY, proposed=len(rows), known=len(found) - len(rows), resembling=len(rows))


def finder_of(unit: Unit) -> Finder:
    """The elements in force, indexed for likenesses."""
    terms = [text.zh for text in unit.standards.words(TERMS).values()]
    return Finder(unit.standards.values(Element, unit.today), terms)


def _known(unit: Unit, source: str) -> set[str]:
    wanted = select(element_proposal.c.element).where(element_proposal.c.source == source)
    return set(unit.execute(wanted).scalars())


def _row(unit: Unit, source: str, element: Element, near: Sequence[Likeness]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "source": source,
        "element": element.id,
        "value": msgspec.to_builtins(element),
        "near": msgspec.to_builtins(near),
        "state": "open",
        "into": "",
        "reason": "",
        "asked_by": unit.actor.id,
        "asked_at": unit.now,
        "decided_by": "",
        "decided_at": None,
    }


def merge(unit: Unit, id: UUID, into: str, reason: str) -> Proposal:
    """Decide that the proposal means what the element ``into`` means; its names become synonyms.

    Raises:
        NotFound: no such proposal, or no such element in force.
        Conflict: it is decided already, or would be merged into itself.
    """
    proposal = get(unit, id, lock=True)
    unit.standards.element(into, unit.today)
    if proposal.source == LIBRARY and into == proposal.value.id:
        raise Conflict("An element cannot be merged into itself; choose the other one.")
    return _decide(unit, proposal, "merged", reason, into)


def add(unit: Unit, id: UUID, reason: str) -> Proposal:
    """Decide that the proposal is an element of its own.

    Raises:
        NotFound: no such proposal.
        Conflict: it is decided already, or its id is taken by an element in force.
    """
    proposal = get(unit, id, lock=True)
    if proposal.source != LIBRARY and proposal.value.id in unit.standards.ids("elements"):
        raise Conflict(
            "An element {id} is there already; merge with it, or bring this one in under another id.",
            id=proposal.value.id,
        )
    return _decide(unit, proposal, "added", reason)


def refuse(unit: Unit, id: UUID, reason: str) -> Proposal:
    """Decide that the proposal is no data element worth keeping. :raises NotFound: :raises Conflict: as for ``add``."""
    return _decide(unit, get(unit, id, lock=True), "refused", reason)


def _decide(unit: Unit, proposal: Proposal, state: State, reason: str, into: str = "") -> Proposal:
    if proposal.state != "open":
        raise Conflict("The proposal is {state} already; a decision stands.", state=proposal.state)
    changed = {"state": state, "into": into, "reason": reason, "decided_by": unit.actor.id, "decided_at": unit.now}
    unit.execute(update(element_proposal).where(element_proposal.c.id == proposal.id).values(changed))
    unit.record(f"standards.{state}", proposal=str(proposal.id), source=proposal.source, element=proposal.value.id, into=into)  # fmt: skip
    return msgspec.structs.replace(proposal, **changed)


def get(unit: Unit, id: UUID, *, lock: bool = False) -> Proposal:
    """One proposal; with ``lock``, nobody else decides it meanwhile. :raises NotFound: there is none."""
    wanted = select(element_proposal).where(element_proposal.c.id == id)
    row = unit.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    if row is None:
        raise NotFound("There is no such proposal.")
    return proposal_of(row)


def listed(unit: Unit, state: State, after: UUID | None, limit: int) -> Proposals:
    """A page of proposals in one state, in the order they came."""
    t = element_proposal.c
    wanted = select(element_proposal).where(t.state == state).order_by(t.id).limit(limit + 1)
    rows = unit.execute(wanted.where(t.id > after) if after else wanted).mappings().all()
    found = [proposal_of(row) for row in rows[:limit]]
    return Proposals(items=found, after=str(found[-1].id) if len(rows) > limit else "")


def counts(unit: Unit) -> dict[str, int]:
    """How many proposals stand in each state."""
    t = element_proposal.c
    rows = unit.execute(select(t.state, func.count().label("number")).group_by(t.state)).mappings()
    found = {row["state"]: row["number"] for row in rows}
    return {state: found.get(state, 0) for state in ("open", "merged", "added", "refused")}


def proposal_of(row: Any) -> Proposal:
    """A row as a proposal."""
    plain = {name: row[name] for name in Proposal.__struct_fields__ if name not in ("value", "near")}
    value = msgspec.convert(row["value"], Element)
    return Proposal(**plain, value=value, near=tuple(msgspec.convert(row["near"], list[Likeness])))
