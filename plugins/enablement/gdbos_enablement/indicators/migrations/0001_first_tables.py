"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "enablement_indicators_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "indicator_bundle",
        sa.Column("bundle", sa.String(length=36), nullable=False),
        sa.Column("plan", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("materials", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("steps_before", sa.Integer(), nullable=False),
        sa.Column("materials_before", sa.Integer(), nullable=False),
        sa.Column("trips_before", sa.Integer(), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=4000), nullable=False),
        sa.PrimaryKeyConstraint("bundle"),
    )
    op.create_index("indicator_bundle_plan", "indicator_bundle", ["plan", "bundle"], unique=False)
    op.create_table(
        "indicator_case",
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("matter_type", sa.String(length=2), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("bundle", sa.String(length=36), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.Integer(), nullable=False),
        sa.Column("resumed", sa.Integer(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("legal_due", sa.Date(), nullable=True),
        sa.Column("promise_due", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("end", sa.String(length=12), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("legal_days", sa.Integer(), nullable=True),
        sa.Column("promise_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("case"),
    )
    op.create_index("indicator_case_body", "indicator_case", ["body", "stage", "case"], unique=False)
    op.create_index("indicator_case_bundle", "indicator_case", ["bundle"], unique=False)
    op.create_index("indicator_case_division", "indicator_case", ["division", "stage", "case"], unique=False)
