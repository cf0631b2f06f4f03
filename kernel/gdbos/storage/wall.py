"""The second wall (第二道墙): on PostgreSQL the database keeps rows apart by itself, whatever statement reaches it.

Every table that declares a :class:`~gdbos.storage.scope.Scope` gets a row-level security policy made from that declaration. What a
policy compares rows with is the *context*: the reach of whoever is acting, said once per transaction and signed with a key that the
serving role cannot read. ``set_config`` inside injected SQL therefore changes nothing for the better: a context that is missing,
forged, too old or made for another connection reads no row. Design and measurements: SECURITY §3.2.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, text

from gdbos.crypto import STANDARD
from gdbos.reach import EVERYTHING, Reach
from gdbos.storage.scope import Scope, guard_of, scope_of
from gdbos.vault import RING, KeyRing

LASTS: Final = 600
"""Seconds a context is believed; it ends with its transaction anyway."""
_SET: Final = text("SELECT set_config('gdbos.scope', :context, true)")


class Wall:
    """Says, on a connection to PostgreSQL, how far the transaction may reach."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def enter(self, connection: Connection, reach: Reach) -> None:
        """Let the transaction ``connection`` is in reach as far as ``reach``, and no farther."""
        connection.execute(_SET, {"context": self.context(reach, _backend(connection))})

    def enter_all(self, connection: Connection) -> None:
        """Let the transaction reach everything: the kernel's own works, backups, migrations."""
        self.enter(connection, EVERYTHING)

    @contextmanager
    def opened(self, connection: Connection, back: Reach) -> Iterator[None]:
        """Reach everything for one statement, and only as far as ``back`` after it."""
        self.enter(connection, EVERYTHING)
        yield
        self.enter(connection, back)

    def context(self, reach: Reach, backend: int, until: float | None = None) -> str:
        """``reach`` as the policies read it, for one connection, signed."""
        many = (",".join(reach.subjects), ",".join(reach.matters))
        ways = (reach.low, reach.high, reach.body, reach.office, *many, reach.area_low, reach.area_high)
        ends = int(until if until is not None else time.time() + LASTS)
        said = "|".join(("v1", "t" if reach.everything else "f", *ways, str(ends), str(backend)))
        if said.count("|") != 11 or any("," in one for one in (*reach.subjects, *reach.matters)):
            raise ValueError("a subject key, body or matter holds | or a comma, which no identifier has")
        return said + STANDARD.mac(self.secret, said.encode()).hex()


def wall_of(ring: KeyRing) -> Wall:
    """The wall whose key comes from ``ring``: from the key that never rotates, and good for nothing else."""
    return Wall(STANDARD.derive(ring.current("blind").secret, b"gdbos.wall/1"))


def wall_at(url: str, keys: Path) -> Wall | None:
    """The wall of the node whose database is at ``url``; None on SQLite, and before the node has keys in folder ``keys``."""
    if url.startswith("sqlite") or not (keys / RING).exists():
        return None
    return wall_of(KeyRing.open(keys))


def _backend(connection: Connection) -> int:
    driver: Any = connection.connection.dbapi_connection
    return int(driver.info.backend_pid)


# Raising it, with the owner's rights.

SCOPE: Final = r"""
DECLARE
  given text := current_setting('gdbos.scope', true);
  said bytea;
  part text[];
BEGIN
  IF given IS NULL OR length(given) < 80 THEN RETURN NULL; END IF;
  said := convert_to(left(given, -64), 'UTF8');
  PERFORM FROM gdbos_wall.key WHERE encode(sha256(outer_pad || sha256(inner_pad || said)), 'hex') = right(given, 64);
  IF NOT FOUND THEN RETURN NULL; END IF;
  part := string_to_array(left(given, -64), '|', '');
  IF part[1] <> 'v1' OR part[11]::bigint < extract(epoch FROM clock_timestamp()) OR part[12]::int <> pg_backend_pid() THEN
    RETURN NULL;
  END IF;
  RETURN part;
END """
"""Body of ``gdbos_wall.scope()``: the parts of the context, or NULL where it is not to be believed."""
FUNCTION_PATH: Final = "pg_catalog, pg_temp"
_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION gdbos_wall.scope() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = {FUNCTION_PATH} AS $${SCOPE}$$
"""
_GROUND: Final = (
    "CREATE SCHEMA IF NOT EXISTS gdbos_wall",
    "CREATE TABLE IF NOT EXISTS gdbos_wall.key (id int PRIMARY KEY, inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)",
    "REVOKE ALL ON gdbos_wall.key FROM PUBLIC",
    "CREATE TABLE IF NOT EXISTS gdbos_wall.known (name text PRIMARY KEY)",
    "GRANT SELECT ON gdbos_wall.known TO PUBLIC",
    _FUNCTION,
    "GRANT USAGE ON SCHEMA gdbos_wall TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION gdbos_wall.scope() TO PUBLIC",
    # Whoever can make a view of its own puts it before a table of ours, and the next transaction reads through it.
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
)
_KEY: Final = text(
    "INSERT INTO gdbos_wall.key (id, inner_pad, outer_pad) VALUES (1, :inner_pad, :outer_pad)"
    " ON CONFLICT (id) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad"
)
_KNOWN: Final = text("INSERT INTO gdbos_wall.known (name) VALUES (:name) ON CONFLICT DO NOTHING")
"""A table once known stays so: those of a plugin that is switched off are still the node's."""


def raise_wall(connection: Connection, tables: Iterable[Table], secret: bytes, versions: Iterable[str] = ()) -> None:
    """Give every scoped table its policy, and the roles of the node what each needs. Doing it again changes nothing.

    Runs with the owner's rights, in the caller's transaction, after the tables are there.

    :param versions: the tables in which migrations note how far they are; they hold nobody's rows.
    """
    tables, versions = list(tables), tuple(versions)
    for statement in _GROUND:
        connection.exec_driver_sql(statement)
    block = secret.ljust(64, b"\0")
    pads = {"inner_pad": bytes(b ^ 0x36 for b in block), "outer_pad": bytes(b ^ 0x5C for b in block)}
    connection.execute(_KEY, pads)
    names = [table.name for table in tables]
    connection.execute(_KNOWN, [{"name": name} for name in (*names, *versions)])
    connection.exec_driver_sql(f'REVOKE TEMPORARY ON DATABASE "{connection.engine.url.database}" FROM PUBLIC')
    held = policies(connection)
    for name, rule in walled(tables).items():
        if held.get(name) != rule.mark:
            _guard(connection, name, rule)
    _grant(connection, tables=_quoted(names), known=_quoted((*names, *versions)))


_EXPRESSIONS: Final = "md5(pg_get_expr(p.polqual, p.polrelid) || pg_get_expr(p.polwithcheck, p.polrelid))"
_KEPT: Final = text(
    f"""
    SELECT {_EXPRESSIONS} FROM pg_policy p
    WHERE p.polname = 'gdbos_scope' AND p.polrelid = to_regclass(quote_ident(:table))
    """  # noqa: S608
)
_POLICIES: Final = text(
    f"""
    SELECT c.relname, split_part(obj_description(p.oid, 'pg_policy'), ' ', 1) AS mark
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polname = 'gdbos_scope' AND c.relnamespace = 'public'::regnamespace
    AND p.polcmd = '*' AND p.polroles = '{{0}}' AND split_part(obj_description(p.oid, 'pg_policy'), ' ', 2) = {_EXPRESSIONS}
    AND NOT EXISTS (SELECT FROM pg_policy o WHERE o.polrelid = c.oid AND o.polname <> 'gdbos_scope' AND o.polpermissive)
    """  # noqa: S608
)


def policies(connection: Connection) -> dict[str, str]:
    """The tables around which a policy stands as it was made, and the mark of the declaration each was made from."""
    return {row.relname: row.mark for row in connection.execute(_POLICIES)}


def walled(tables: Iterable[Table]) -> dict[str, Rule]:
    """The tables around which a policy stands, by name."""
    return {table.name: rule for table in tables if (rule := rule_of(table)) is not None}


def _guard(connection: Connection, table: str, rule: Rule) -> None:
    for statement in (
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'DROP POLICY IF EXISTS gdbos_scope ON "{table}"',
        f'CREATE POLICY gdbos_scope ON "{table}" USING ({rule.reads}) WITH CHECK ({rule.writes})',
    ):
        connection.exec_driver_sql(statement)
    kept = connection.execute(_KEPT, {"table": table}).scalar_one()
    connection.exec_driver_sql(f"COMMENT ON POLICY gdbos_scope ON \"{table}\" IS '{rule.mark} {kept}'")


class Rule(NamedTuple):
    """Which rows of a table a transaction reads and writes, in SQL."""

    reads: str
    writes: str

    @property
    def mark(self) -> str:
        """What the policy made from it is known by, so that a changed declaration is seen."""
        return STANDARD.digest(f"{self.reads};{self.writes}".encode()).hex()[:32]


def rule_of(table: Table) -> Rule | None:
    """What the declaration of ``table`` comes to; None where it declares nothing."""
    if scope := scope_of(table):
        return Rule(rows := policy(scope), rows)
    if guard := guard_of(table):
        return Rule(_ALL, f"({_ALL} OR {guard.adds})" if guard.adds else _ALL)
    return None


_ALL: Final = "(SELECT (gdbos_wall.scope())[2] = 't')"


def policy(scope: Scope) -> str:
    """The rows of a table within the context, in SQL. Each part of the context is read once per statement (an InitPlan)."""
    ways = [_ALL]
    if scope.division:
        ways.append(_between(scope.division, 3, 4))
    ways += [f'"{column}" = (SELECT (gdbos_wall.scope())[{5 if scope.division else 6}])' for column in scope.body]
    ways += [f'"{column}" = ANY ((SELECT {_listed(7)})::text[])' for column in scope.subject]
    limits = ["(" + " OR ".join(ways) + ")"]
    if scope.matter:
        limits.append(
            f'((SELECT (gdbos_wall.scope())[8] IS NULL) OR "{scope.matter}" = ANY ((SELECT {_listed(8)})::text[]))'
        )
    if scope.division:
        limits.append(f"((SELECT (gdbos_wall.scope())[9] IS NULL) OR {_between(scope.division, 9, 10)})")
    return " AND ".join(limits)


def _between(column: str, low: int, high: int) -> str:
    at = "(SELECT (gdbos_wall.scope())[{}])"
    return f'("{column}" >= {at.format(low)} AND "{column}" <= {at.format(high)})'


def _listed(part: int) -> str:
    return f"string_to_array((gdbos_wall.scope())[{part}], ',')"


_LEDGER: Final = ("ledger_leaf", "ledger_node", "ledger_checkpoint", "ledger_pending")
_GRANTS: Final = {
    "gdbos_app": (
        "GRANT SELECT ON {known} TO gdbos_app",
        "GRANT INSERT, UPDATE, DELETE ON {tables} TO gdbos_app",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gdbos_app",
        *(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM gdbos_app" for table in _LEDGER[:3]),
        "REVOKE UPDATE, DELETE ON ledger_pending FROM gdbos_app",
    ),
    "gdbos_sequencer": (
        *(f"GRANT SELECT, INSERT ON {table} TO gdbos_sequencer" for table in _LEDGER[:3]),
        *(
            f"GRANT UPDATE (log) ON {table} TO gdbos_sequencer" for table in _LEDGER[:3]
        ),  # a new epoch sets the old one aside
        "GRANT SELECT ON ledger_epoch TO gdbos_sequencer",
        "GRANT SELECT, DELETE ON ledger_pending TO gdbos_sequencer",
        *(f"GRANT SELECT, INSERT, UPDATE ON {table} TO gdbos_sequencer" for table in ("bus_call", "bus_receipt")),
    ),
    "gdbos_audit": tuple(f"GRANT SELECT ON {table} TO gdbos_audit" for table in _LEDGER),
}


def _grant(connection: Connection, **named: str) -> None:
    """What each of the node's roles needs, for those that the integrator has made; of a table we do not know, nothing."""
    there = set(
        connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'gdbos~_%%' ESCAPE '~'").scalars()
    )
    for role, statements in _GRANTS.items():
        for statement in statements if role in there else ():
            connection.exec_driver_sql(statement.format(**named))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
