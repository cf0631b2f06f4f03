"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "enablement_oversight_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "oversight_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("by_body", sa.String(length=18), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("oversight_act_card", "oversight_act", ["card", "id"], unique=False)
    op.create_table(
        "oversight_card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("case_number", sa.String(length=50), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("signal", sa.String(length=8), nullable=False),
        sa.Column("trigger", sa.String(length=2), nullable=False),
        sa.Column("watched", sa.String(length=10), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("explain_by", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case", "rule", "due", name="oversight_card_once"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("oversight_card_body", "oversight_card", ["body", "id"], unique=False)
    op.create_index("oversight_card_division", "oversight_card", ["division", "id"], unique=False)
    op.create_table(
        "oversight_case",
        sa.Column("case", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.Integer(), nullable=False),
        sa.Column("resumed", sa.Integer(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("acceptance_due", sa.Date(), nullable=True),
        sa.Column("legal_due", sa.Date(), nullable=True),
        sa.Column("promise_due", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("case"),
    )
    op.create_table(
        "oversight_serial",
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix"),
    )
