"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "services_bundles_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "bundle",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("applicant", sa.String(length=80), nullable=False),
        sa.Column("plan", sa.String(length=120), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("pinned_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bundle_finished", "bundle", ["plan", "state", "finished_at"], unique=False)
    op.create_index("bundle_subject", "bundle", ["subject", "id"], unique=False)
    op.create_table(
        "bundle_child",
        sa.Column("case", sa.Uuid(), nullable=False),
        sa.Column("bundle", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("case"),
    )
    op.create_index("bundle_child_bundle", "bundle_child", ["bundle", "place"], unique=False)
