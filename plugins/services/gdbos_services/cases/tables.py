"""The tables of cases. What applicants say and officials write about them is sealed; the rest is procedure."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, Uuid

from gdbos import Instant, Scope, Sealed

tables = MetaData()
OWNERS = Scope(division="division", body=("body",), subject=("subject",), matter="matter")


def _owners() -> tuple[Column[str], ...]:
    """Whose a row is: repeated in every table, so that each is guarded by itself."""
    return (
        Column("division", String(6), nullable=False),
        Column("body", String(18), nullable=False),
        Column("subject", String(80), nullable=False),
        Column("matter", String(120), nullable=False),
    )


case = Table(
    "case",
    tables,
    Column("id", Uuid, primary_key=True),
    *_owners(),
    Column("number", String(50), unique=True),  # from the receipt on
    Column("matter_version", Integer, nullable=False),
    Column("pinned_on", Date, nullable=False),  # the matter is always read as of this day
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("applicant", String(80), nullable=False),
    Column("applicant_kind", String(1), nullable=False),
    Column("bundle", String(36), nullable=False),
    Column("channel", String(1), nullable=False),
    Column("handler", String(80), nullable=False),
    Column(
        "names", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # applicant, and whom they represent
    Column(
        "answers", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # answers, and what was filled in from where
    Column("drafted_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("received_at", Instant),
    Column("accepted_at", Instant),
    Column("accepted_on", Date),  # from this day the clock runs; earlier than accepted_at where deemed
    Column("deemed", Boolean, nullable=False),
    Column("decided_at", Instant),
    Column("closed_at", Instant),
    Column("acceptance_due", Date),
    Column("legal_due", Date),
    Column("promise_due", Date),
    Column("due_key", String(10), nullable=False),  # the date by which the body must act next, to list by
    Column("suspensions", JSON, nullable=False),
    Column("extensions", JSON, nullable=False),
    Column("corrections", JSON, nullable=False),
    Column("rule", String(160), nullable=False),  # instant rule and version that decided
    Column("sample", Boolean, nullable=False),  # to be looked at again by a person: decided by a rule
    Column("waits", String(60), nullable=False),  # why the department's system has not answered yet
    Column("asked", Integer, nullable=False),  # how often it has been asked
    Column("trips", Integer, nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("recalled", JSON, nullable=False),
    Index("case_subject", "subject", "id"),
    Index("case_tasks", "body", "state", "due_key", "id"),
    Index("case_ended", "body", "closed_at", "id"),
    Index("case_bundle", "bundle"),
    info={"scope": OWNERS},
)

case_step = Table(
    "case_step",
    tables,
    Column("id", Uuid, primary_key=True),
    *_owners(),
    Column("case", Uuid, nullable=False),
    Column("act", String(20), nullable=False),
    Column("event", String(2), nullable=False),  # code list case.event, for reporting up
    Column("state", String(12), nullable=False),  # after the act
    Column("at", Instant, nullable=False),
    Column("by", String(80), nullable=False),
    Column("by_kind", String(10), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("words", LargeBinary, info={"sealed": Sealed(division="division")}),  # reason or opinion
    Index("case_step_case", "case", "id"),
    info={"scope": OWNERS},
)

case_material = Table(
    "case_material",
    tables,
    Column("id", Uuid, primary_key=True),
    *_owners(),
    Column("case", Uuid, nullable=False),
    Column("material", String(80), nullable=False),  # id in the matter's list
    Column("how", String(1), nullable=False),  # code list case.material-get-type
    Column("file", Uuid),
    Column("at", Instant, nullable=False),
    Index("case_material_case", "case", "material"),
    info={"scope": OWNERS},
)

case_result = Table(
    "case_result",
    tables,
    Column("case", Uuid, primary_key=True),
    *_owners(),
    Column("outcome", String(8), nullable=False),
    Column(
        "words", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # reason, and the values by element
    Column("at", Instant, nullable=False),
    info={"scope": OWNERS},
)

case_serial = Table(
    "case_serial",
    tables,
    Column("prefix", String(40), primary_key=True),
    Column("last", Integer, nullable=False),
)
