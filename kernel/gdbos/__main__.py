"""``python -m gdbos``."""

from gdbos.cli import main

main()
