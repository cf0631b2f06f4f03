"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "services_matters_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "matter_use",
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("month", sa.String(length=6), nullable=False),
        sa.Column("submitted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("matter", "month"),
    )
