"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "governance_sharing_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sharing_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("resource", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("sharing", sa.String(length=1), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("clear", sa.JSON(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index(op.f("ix_sharing_request_resource"), "sharing_request", ["resource"], unique=False)
    op.create_index("sharing_request_body", "sharing_request", ["body", "id"], unique=False)
    op.create_index("sharing_request_owner", "sharing_request", ["owner", "state", "id"], unique=False)
