"""The governance family of GDBOS plugins."""
