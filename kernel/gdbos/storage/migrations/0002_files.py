"""Files."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "kernel_0002"
down_revision = 'kernel_0001'


def upgrade() -> None:
    op.create_table('files_file',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('purpose', sa.String(length=12), nullable=False),
    sa.Column('case', sa.String(length=50), nullable=False),
    sa.Column('matter', sa.String(length=120), nullable=False),
    sa.Column('body', sa.String(length=18), nullable=False),
    sa.Column('division', sa.String(length=6), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('uploaded_by', sa.String(length=80), nullable=False),
    sa.Column('at', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('files_file_case', 'files_file', ['case', 'id'], unique=False)
    op.create_index('files_file_digest', 'files_file', ['digest'], unique=False)
    op.create_index('files_file_state', 'files_file', ['state', 'at'], unique=False)
    op.create_index('files_file_subject', 'files_file', ['subject', 'id'], unique=False)
    op.create_table('identity_attempt',
    sa.Column('login', sa.LargeBinary(length=32), nullable=False),
    sa.Column('until', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('login')
    )
    op.create_table('identity_jti',
    sa.Column('client_id', sa.String(length=80), nullable=False),
    sa.Column('jti', sa.String(length=128), nullable=False),
    sa.Column('until', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', 'jti')
    )
