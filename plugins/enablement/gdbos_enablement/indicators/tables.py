"""What the cockpit counts: cases and bundles as events told of them. Procedure only; nobody's name is here."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, MetaData, String, Table

from gdbos import Scope

tables = MetaData()
OWNERS = Scope(division="division", body=("body",))

indicator_case = Table(
    "indicator_case",
    tables,
    Column("case", String(36), primary_key=True),
    Column("number", String(50), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("matter_type", String(2), nullable=False),
    Column("body", String(18), nullable=False),
    Column("division", String(6), nullable=False),
    Column("level", String(1), nullable=False),  # gbt39046.exercise-level, by the division
    Column("bundle", String(36), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("suspended", Integer, nullable=False),
    Column("resumed", Integer, nullable=False),
    Column("received_on", Date),
    Column("accepted_on", Date),
    Column("legal_due", Date),
    Column("promise_due", Date),
    Column("closed_on", Date),
    Column("end", String(12), nullable=False),  # closed, refused, rejected, void
    Column("outcome", String(8), nullable=False),
    Column("working_days", Integer, nullable=False),
    Column("legal_days", Integer),
    Column("promise_days", Integer),
    Index("indicator_case_division", "division", "stage", "case"),
    Index("indicator_case_body", "body", "stage", "case"),
    Index("indicator_case_bundle", "bundle"),
    info={"scope": Scope(division="division", body=("body",), matter="matter")},
)

indicator_bundle = Table(
    "indicator_bundle",
    tables,
    Column("bundle", String(36), primary_key=True),
    Column("plan", String(80), nullable=False),
    Column("body", String(18), nullable=False),
    Column("division", String(6), nullable=False),
    Column("finished_on", Date, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("materials", Integer, nullable=False),
    Column("trips", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("steps_before", Integer, nullable=False),
    Column("materials_before", Integer, nullable=False),
    Column("trips_before", Integer, nullable=False),
    Column("days_before", Integer, nullable=False),
    Column("source", String(4000), nullable=False),  # of the figures before: a Text, as JSON
    Index("indicator_bundle_plan", "plan", "bundle"),
    info={"scope": OWNERS},
)
