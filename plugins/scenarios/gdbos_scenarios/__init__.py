"""The scenarios family of GDBOS plugins."""
