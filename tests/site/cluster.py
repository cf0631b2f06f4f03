"""A PostgreSQL of a test's own, in a temporary folder, to be crashed and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gdbos.testing import free_port, require


class Cluster:
    """One server and its files."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder, self.port = programs, folder, free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Its files, with the settings it comes with."""
        self._run("initdb", "--auth=trust", "--username=postgres", "-D", str(self.folder / "data"))

    def start(self, more: str = "") -> None:
        """Start it, with ``more`` options of ``postgres``."""
        options = f"-p {self.port} -k {self.folder} -h localhost {more}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "-t", "60", "start")

    def crash(self) -> None:
        """It ends at once, without writing anything more: every connection breaks, recovery follows at the next start."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_postgres, str(self.programs / program), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder, check=False)
        if ran.returncode:
            raise RuntimeError(f"{program}: {ran.stdout}{ran.stderr}")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server; it and its files end with the block."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    require("postgres", found[-1].is_file(), "install Debian's postgresql package")
    folder = Path("/tmp") / f"gdbos-cluster-{os.getpid()}"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Cluster(found[-1].parent, folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        try:
            server.crash()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
