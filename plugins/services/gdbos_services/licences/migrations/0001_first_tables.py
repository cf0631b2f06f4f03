"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "services_licences_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "licence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("holder_name", sa.LargeBinary(), nullable=False),
        sa.Column("face", sa.LargeBinary(), nullable=False),
        sa.Column("file", sa.Uuid(), nullable=True),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("licence_case", "licence", ["case"], unique=False)
    op.create_index("licence_holder", "licence", ["holder", "id"], unique=False)
    op.create_index("licence_subject", "licence", ["subject", "id"], unique=False)
    op.create_table(
        "licence_register",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identifier", sa.String(length=160), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("issuer", sa.String(length=18), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=2), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("masked", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("identifier"),
        sa.UniqueConstraint("token"),
    )
