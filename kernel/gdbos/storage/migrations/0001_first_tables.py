"""First tables."""

import sqlalchemy as sa
from alembic import op
from gdbos.storage.metadata import Instant

revision = "kernel_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "bus_basis",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("permission", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_basis_case", "bus_basis", ["case"], unique=False)
    op.create_index("bus_basis_subject", "bus_basis", ["subject", "body", "case"], unique=False)
    op.create_table(
        "bus_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("micros", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_call_body", "bus_call", ["body", "id"], unique=False)
    op.create_index("bus_call_case", "bus_call", ["case", "id"], unique=False)
    op.create_index("bus_call_provider", "bus_call", ["provider", "id"], unique=False)
    op.create_table(
        "bus_delivery",
        sa.Column("event", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("event", "handler"),
    )
    op.create_index("bus_delivery_next", "bus_delivery", ["state", "next_at"], unique=False)
    op.create_index("bus_delivery_order", "bus_delivery", ["handler", "key", "state", "due_at", "event"], unique=False)
    op.create_table(
        "bus_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("clear", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("divisions", sa.JSON(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", Instant(), nullable=True),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_grant_consumer", "bus_grant", ["body", "system", "service"], unique=False)
    op.create_table(
        "bus_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("emitted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bus_freshness",
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("updates", sa.String(length=9), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("service"),
    )
    op.create_table(
        "bus_notice",
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("bus_notice_service", "bus_notice", ["service", "field", "kind"], unique=False)
    op.create_table(
        "bus_repeat",
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("body", "system", "key"),
    )
    op.create_index(op.f("ix_bus_repeat_at"), "bus_repeat", ["at"], unique=False)
    op.create_table(
        "bus_seal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=80), nullable=False),
        sa.Column("at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_seal_case", "bus_seal", ["body", "case"], unique=False)
    op.create_table(
        "bus_recall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recall", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("reminded_at", Instant(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=80), nullable=False),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_recall_body", "bus_recall", ["body", "id"], unique=False)
    op.create_index("bus_recall_provider", "bus_recall", ["provider", "id"], unique=False)
    op.create_index(op.f("ix_bus_recall_recall"), "bus_recall", ["recall"], unique=False)
    op.create_table(
        "bus_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("service", sa.String(length=120), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bus_receipt_subject", "bus_receipt", ["subject", "id"], unique=False)
    op.create_index(op.f("ix_bus_receipt_call"), "bus_receipt", ["call"], unique=False)
    op.create_table(
        "bus_service",
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("registered_by", sa.String(length=80), nullable=False),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("ending", sa.String(length=2000), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version"),
    )
    op.create_index(op.f("ix_bus_service_provider"), "bus_service", ["provider"], unique=False)
    op.create_table(
        "element_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("element", sa.String(length=120), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("near", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("into", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "element", name="element_proposal_source"),
    )
    op.create_index("element_proposal_state", "element_proposal", ["state", "id"], unique=False)
    op.create_table(
        "files_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("case", sa.String(length=50), nullable=False),
        sa.Column("matter", sa.String(length=120), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("uploaded_by", sa.String(length=80), nullable=False),
        sa.Column("permission", sa.String(length=120), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("files_file_case", "files_file", ["case", "id"], unique=False)
    op.create_index("files_file_digest", "files_file", ["digest"], unique=False)
    op.create_index("files_file_state", "files_file", ["state", "at"], unique=False)
    op.create_index("files_file_subject", "files_file", ["subject", "id"], unique=False)
    op.create_table(
        "identity_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("password_at", Instant(), nullable=False),
        sa.Column("password_due", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    op.create_index("identity_account_person", "identity_account", ["person"], unique=False)
    op.create_index(
        "identity_account_persons_one",
        "identity_account",
        ["person"],
        unique=True,
        sqlite_where=sa.text("kind = 'person'"),
        postgresql_where=sa.text("kind = 'person'"),
    )
    op.create_table(
        "identity_attempt",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "identity_body_former",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("parent", sa.String(length=18), nullable=False),
        sa.PrimaryKeyConstraint("uscc", "until"),
    )
    op.create_table(
        "identity_body",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("plays", sa.JSON(), nullable=False),
        sa.Column("parent", sa.String(length=18), nullable=False),
        sa.Column("successor", sa.String(length=18), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("uscc"),
    )
    op.create_index("identity_body_division", "identity_body", ["division"], unique=False)
    op.create_table(
        "identity_enterprise",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("legal_representative", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("uscc"),
        sa.UniqueConstraint("subject"),
    )
    op.create_index(
        "identity_enterprise_legal_representative", "identity_enterprise", ["legal_representative"], unique=False
    )
    op.create_table(
        "identity_factor",
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "identity_generation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "identity_exchange",
        sa.Column("rid", sa.String(length=80), nullable=False),
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
        sa.UniqueConstraint("client_id"),
    )
    op.create_table(
        "identity_jti",
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("jti", sa.String(length=128), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti"),
    )
    op.create_table(
        "identity_link",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "subject"),
    )
    op.create_index("identity_link_account", "identity_link", ["account"], unique=False)
    op.create_table(
        "identity_mandate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("agent_person", sa.Uuid(), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("identity_mandate_agent", "identity_mandate", ["agent_person"], unique=False)
    op.create_index("identity_mandate_principal", "identity_mandate", ["principal"], unique=False)
    op.create_table(
        "identity_pending",
        sa.Column("secret", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("secret"),
    )
    op.create_table(
        "identity_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("citizen_id", sa.LargeBinary(), nullable=False),
        sa.Column("citizen_id_blind", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("trust", sa.String(length=2), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("citizen_id_blind"),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "identity_delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("delegate", sa.Uuid(), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("identity_delegation_delegate", "identity_delegation", ["delegate"], unique=False)
    op.create_index("identity_delegation_holder", "identity_delegation", ["holder"], unique=False)
    op.create_table(
        "identity_post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("role", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=6), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=80), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("identity_post_account", "identity_post", ["account"], unique=False)
    op.create_index("identity_post_body", "identity_post", ["body"], unique=False)
    _create_duty()
    op.create_table(
        "identity_recovery",
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("code", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account", "code"),
    )
    op.create_table(
        "identity_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=True),
        sa.Column("account", sa.Uuid(), nullable=True),
        sa.Column("system", sa.String(length=80), nullable=False),
        sa.Column("post", sa.Uuid(), nullable=True),
        sa.Column("acts_for", sa.String(length=80), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("method", sa.String(length=60), nullable=False),
        sa.Column("trust", sa.String(length=2), nullable=False),
        sa.Column("proven_at", Instant(), nullable=True),
        sa.Column("authenticated_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret"),
    )
    op.create_index("identity_session_account", "identity_session", ["account"], unique=False)
    op.create_index("identity_session_expires", "identity_session", ["expires_at"], unique=False)
    op.create_table(
        "identity_setup",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "identity_system",
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_table(
        "kernel_job",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "bus_spent",
        sa.Column("worker", sa.Uuid(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("worker", "grant"),
    )
    op.create_index("bus_spent_at", "bus_spent", ["at"], unique=False)
    op.create_table(
        "ledger_checkpoint",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="C2SP signed note"),
        sa.Column(
            "edge", sa.LargeBinary(), nullable=False, comment="the tree's frontier, where the next batch goes on"
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size"),
        comment="what the log signed, newest size last",
    )
    op.create_table(
        "ledger_epoch",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False, comment="how many records others had seen"),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("log", "epoch"),
        comment="new beginnings of logs whose end was lost; the first epoch of a log has no row",
    )
    op.create_table(
        "ledger_erased",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column(
            "at",
            Instant(),
            nullable=True,
            comment="from then on the subject's key must not exist; none: not confirmed",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject"),
        comment="orders to erase subjects; the confirmed ones are applied to the key store again at every start",
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False, comment="the record's bytes, never re-serialised"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Uuid(), nullable=True, comment="the call or audit id in the record"),
        sa.PrimaryKeyConstraint("log", "position"),
        comment="the log's records in their order",
    )
    op.create_index("ledger_leaf_record", "ledger_leaf", ["record"], unique=False)
    op.create_table(
        "ledger_node",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False, comment="of tiles, from 1"),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "position"),
        comment="the hash over each full tile below, so that a proof reads a few hundred hashes at most",
    )
    op.create_table(
        "ledger_pending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("records", sa.Integer(), server_default="1", nullable=False, comment="how many the row holds"),
        sa.Column("leaf", sa.LargeBinary(), nullable=False, comment="a record's bytes, or an entry bundle of several"),
        sa.Column(
            "rows",
            sa.Text(),
            nullable=True,
            comment="what the sequencer writes into other tables with them: table name to rows, as JSON",
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="records written with their effect, not yet in the tree",
    )
    op.create_index("ledger_pending_order", "ledger_pending", ["log", "id"], unique=False)
    op.create_table(
        "ledger_witnessed",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
        comment="the largest checkpoint of each other log that this node has cosigned",
    )
    op.create_table(
        "standards_consent",
        sa.Column("edition", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("consumer", sa.String(length=240), nullable=False),
        sa.Column("body", sa.String(length=18), nullable=False),
        sa.Column("given_by", sa.String(length=80), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("edition", "act", "consumer"),
    )
    op.create_table(
        "standards_edition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "parcel",
            sa.LargeBinary(),
            nullable=False,
            comment="the files as a ZIP; once published, with the signed note",
        ),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.String(length=80), nullable=False),
        sa.Column("drafted_body", sa.String(length=18), nullable=False),
        sa.Column("drafted_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_body", sa.String(length=18), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("standards_edition_pack", "standards_edition", ["pack", "version"], unique=False)


_APART_TRIGGER = """
CREATE TRIGGER identity_duty_apart_MOMENT BEFORE MOMENT ON identity_duty WHEN EXISTS (
  SELECT 1 FROM identity_duty o WHERE o.human = NEW.human AND o.administration <> NEW.administration AND o.id <> NEW.id
  AND o.since < coalesce(NEW.until, '9999-12-31') AND NEW.since < coalesce(o.until, '9999-12-31')
) BEGIN SELECT RAISE(ABORT, 'identity_duty_apart'); END
"""


def _create_duty() -> None:
    """No human is two of the three administrators: an exclusion on PostgreSQL, triggers on SQLite."""
    op.create_table(
        "identity_duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("human", sa.Uuid(), nullable=False),
        sa.Column("administration", sa.String(length=8), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("identity_duty_human", "identity_duty", ["human"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            "ALTER TABLE identity_duty ADD CONSTRAINT identity_duty_apart EXCLUDE USING gist"
            " (human WITH =, administration WITH <>, daterange(since, until) WITH &&)"
        )
        return
    for moment in ("INSERT", "UPDATE"):
        op.execute(_APART_TRIGGER.replace("MOMENT", moment))
