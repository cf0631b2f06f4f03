"""The services family of GDBOS plugins."""
