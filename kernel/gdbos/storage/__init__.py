"""How GDBOS keeps its rows: engines, lanes, scopes, migrations."""
