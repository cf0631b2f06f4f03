"""Ways around the second wall (缺口): what a start and ``gdbos doctor`` look for before they say that it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, text

from gdbos.errors import Misconfigured
from gdbos.storage.wall import FUNCTION_PATH, SCOPE, policies, walled

_OURS: Final = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
_BARE_VIEW: Final = "NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)"

_VIEWS: Final = text(
    f"""
    WITH RECURSIVE over (oid) AS (
      SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relname = ANY (CAST(:tables AS text[])) AND c.relkind IN ('r', 'p') AND {_OURS}
      UNION
      SELECT r.ev_class FROM over JOIN pg_depend d ON d.refobjid = over.oid AND d.refclassid = 'pg_class'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    )
    SELECT c.oid::regclass::text FROM over JOIN pg_class c USING (oid)
    WHERE c.relkind = 'm' OR (c.relkind = 'v' AND {_BARE_VIEW})
    """  # noqa: S608
)
_STRANGERS: Final = text(
    f"""
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OURS} AND (c.relkind IN ('r', 'p', 'f', 'm') OR (c.relkind = 'v' AND {_BARE_VIEW}))
    AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
    AND NOT (n.nspname = 'public' AND c.relname IN (SELECT name FROM gdbos_wall.known UNION SELECT unnest(CAST(:tables AS text[]))))
    AND (n.nspname, c.relname) NOT IN (('gdbos_wall', 'key'), ('gdbos_wall', 'known'))
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
    """  # noqa: S608
)
"""Relations that no lineage made and that the serving role reads: a copy of a table has no policy."""
_DEFINERS: Final = text(
    f"""
    SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner
    WHERE p.prosecdef AND {_OURS} AND NOT (n.nspname = 'gdbos_wall' AND p.proname = 'scope' AND p.pronargs = 0)
    AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    AND (o.rolsuper OR o.rolbypassrls OR has_any_column_privilege(o.oid, 'gdbos_wall.key', 'SELECT') OR EXISTS (
      SELECT FROM pg_policy l WHERE l.polname = 'gdbos_scope' AND has_any_column_privilege(o.oid, l.polrelid, 'SELECT')))
    ORDER BY 1
    """  # noqa: S608
)
"""Functions that the serving role may call and that run with the rights of somebody who reads what lies behind the wall."""
_SCOPE: Final = text(
    "SELECT p.prosrc, p.prosecdef, p.proconfig, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    " WHERE p.pronamespace = to_regnamespace('gdbos_wall') AND p.proname = 'scope' AND p.pronargs = 0"
)


def escapes(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """What lets rows around the wall, as the role of ``connection`` finds it: tables without the policy made from their
    declaration, views over them, tables that are no lineage's, functions with more rights, and a changed ``scope()``.
    """
    if connection.exec_driver_sql("SELECT to_regclass('gdbos_wall.known')").scalar() is None:
        return ["schema gdbos_wall, which is not there"]
    tables = list(tables)
    rules, held = walled(tables), policies(connection)
    found = [f"table {name}" for name, rule in rules.items() if held.get(name) != rule.mark]
    views = connection.execute(_VIEWS, {"tables": list(rules)}).scalars().all()
    others = connection.execute(_STRANGERS, {"tables": [table.name for table in tables]}).scalars()
    found += [f"view {name}" for name in views]
    found += [f"table {name}, which this node did not make" for name in others if name not in views]
    if not _scope_stands(connection):
        found.append("function gdbos_wall.scope(), which is not as this release made it")
    return found + [f"function {name}" for name in connection.execute(_DEFINERS).scalars()]


def _scope_stands(connection: Connection) -> bool:
    row = connection.execute(_SCOPE).first()
    return row is not None and tuple(row) == (SCOPE, True, [f"search_path={FUNCTION_PATH}"], "plpgsql")


_ROLES: Final = text(
    """
    SELECT r.rolname AS name, r.rolname = current_user AS itself, r.rolsuper OR r.rolbypassrls AS passes,
      EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND (c.oid = 'gdbos_wall.key'::regclass
        OR c.oid IN (SELECT p.polrelid FROM pg_policy p WHERE p.polname = 'gdbos_scope'))) AS owns,
      has_any_column_privilege(r.oid, 'gdbos_wall.key', 'SELECT') AS reads_key,
      r.rolcreaterole AS appoints,
      r.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') AS reads_files,
      has_database_privilege(r.oid, current_database(), 'TEMP') AS temporary,
      has_database_privilege(r.oid, current_database(), 'CREATE') OR EXISTS (SELECT FROM pg_namespace n
        WHERE n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(r.oid, n.oid, 'CREATE')) AS creates
    FROM pg_roles r WHERE pg_has_role(r.oid, 'MEMBER') ORDER BY r.rolname <> current_user, r.rolname
    """
)
"""The role of the connection and every role whose rights it can take on, whether it inherits them or not."""
_MAY: Final = {
    "passes": "is a superuser or has BYPASSRLS",
    "owns": "owns the tables and can read the wall's key",
    "reads_key": "can read the wall's key",
    "appoints": "has CREATEROLE and can take on other roles",
    "reads_files": "reads the server's files",
    "temporary": "may make temporary tables (REVOKE TEMPORARY ON DATABASE … FROM PUBLIC)",
    "creates": "may make tables or schemas (REVOKE CREATE ON SCHEMA public FROM PUBLIC)",
}


def weaknesses(connection: Connection) -> Sequence[str]:
    """Why the wall holds nobody back who speaks with the serving role; nothing where it does."""
    found: list[str] = []
    for row in connection.execute(_ROLES):
        whose = "the serving role" if row.itself else f"the serving role is a member of {row.name}, which"
        found += [f"{whose} {why}" for why in _rights(row)]
        if row.passes and row.itself:
            break  # it is a member of every role there is
    return found


def _rights(row: Any) -> Iterator[str]:
    """What ``row``'s role may do that undoes the wall; the greatest right alone, where it implies the others."""
    for right, why in _MAY.items():
        if getattr(row, right):
            yield why
            if right in ("passes", "owns"):
                return


def refuse_escapes(engine: Engine, tables: Iterable[Table], *, separate_owner: bool) -> None:
    """:raises Misconfigured: rows get around the wall, or the serving role does where it has an owner above it."""
    if engine.dialect.name == "sqlite":
        return
    with engine.connect() as connection:
        found = escapes(connection, tables)
        if not found and separate_owner:
            found += weaknesses(connection)
    if found:
        raise Misconfigured(
            f"the second wall does not stand: {'; '.join(found)}; run: gdbos migrate, and take away what is named"
            " even then (docs/integrators.md: PostgreSQL and its roles)"
        )
