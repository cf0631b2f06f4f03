"""The tables of bundles. What the applicant says is sealed; the rest is procedure."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, Uuid

from gdbos import Instant, Scope, Sealed

tables = MetaData()
OWNERS = Scope(division="division", body=("body",), subject=("subject",))

bundle = Table(
    "bundle",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # the leading department
    Column("subject", String(80), nullable=False),
    Column("applicant", String(80), nullable=False),
    Column("plan", String(120), nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("pinned_on", Date, nullable=False),  # the plan is always read as of this day
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column(
        "kept", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # guidance, answers, sources, what results supplied
    Column("started_at", Instant, nullable=False),
    Column("submitted_at", Instant),
    Column("finished_at", Instant),
    Column("counts", JSON),  # once finished: fields, materials, trips, steps, days; nothing personal
    Index("bundle_subject", "subject", "id"),
    Index("bundle_finished", "plan", "state", "finished_at"),
    info={"scope": OWNERS},
)

bundle_child = Table(
    "bundle_child",
    tables,
    Column("case", Uuid, primary_key=True),
    Column("bundle", Uuid, nullable=False),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("place", Integer, nullable=False),
    Column("matter", String(120), nullable=False),
    Column("needs", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("number", String(50), nullable=False),
    Column("facts", JSON, nullable=False),  # once ended: its days, materials, trips, as its event told them
    Index("bundle_child_bundle", "bundle", "place"),
    info={"scope": Scope(division="division", body=("body",), subject=("subject",), matter="matter")},
)
