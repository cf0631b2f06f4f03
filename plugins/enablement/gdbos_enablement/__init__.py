"""The enablement family of GDBOS plugins."""
