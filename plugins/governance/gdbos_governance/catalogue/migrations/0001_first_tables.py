"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "governance_catalogue_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "catalogue_gram",
        sa.Column("gram", sa.String(length=2), nullable=False),
        sa.Column("resource", sa.Uuid(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gram", "resource"),
    )
    op.create_index("catalogue_gram_resource", "catalogue_gram", ["resource"], unique=False)
    op.create_table(
        "catalogue_mount",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("resource", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=80), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("turn_at", Instant(), nullable=True),
        sa.Column("probed_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("succeeded_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("catalogue_mount_turn", "catalogue_mount", ["state", "turn_at"], unique=False)
    op.create_index(op.f("ix_catalogue_mount_resource"), "catalogue_mount", ["resource"], unique=False)
    op.create_table(
        "catalogue_objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("objector", sa.String(length=18), nullable=False),
        sa.Column("resource", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("answered_by", sa.String(length=80), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_catalogue_objection_resource"), "catalogue_objection", ["resource"], unique=False)
    op.create_table(
        "catalogue_publication",
        sa.Column("resource", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("sharing", sa.String(length=1), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("live_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("resource"),
        sa.UniqueConstraint("code"),
    )
    op.create_index(op.f("ix_catalogue_publication_body"), "catalogue_publication", ["body"], unique=False)
    op.create_table(
        "catalogue_resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("entered_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("published_by", sa.String(length=80), nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=80), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("catalogue_resource_body", "catalogue_resource", ["body", "id"], unique=False)
