"""Several workers of one node: started from one loaded process, started again when they die, ended together.

Workers are forks: what the node has loaded (standards, plugins, templates) is in memory once, and a new worker needs no second for
it. The supervisor opens no database, runs no thread and serves nothing, so there is little it could die of.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec

from gdbos.errors import Misconfigured, Unavailable

log = logging.getLogger("gdbos.workers")

Work = Callable[[int], None]
"""A worker's life; its argument is the end of a pipe that closes when the supervisor is gone."""

HEARD: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
YOUNG: Final = 10.0
"""A worker that dies within so many seconds of its start makes the next one wait, longer each time."""
LONGEST_WAIT: Final = 30.0
GRACE: Final = 35.0
"""Seconds that workers have to end before they are killed: they themselves give requests twenty-five."""
CANNOT_START: Final = 3
"""What a worker ends with that could not start."""


class Worker(msgspec.Struct):
    """One place among the workers, and the process that fills it."""

    number: int
    pid: int = 0
    """0 while there is none."""
    since: float = 0.0
    lives: int = 0
    never: bool = False
    """The first of its processes ended before it could start."""
    deaths: int = 0
    """In a row, each young."""
    due: float = 0.0
    """When the next may start."""


class Supervisor:
    """Keeps every place filled until told to stop."""

    def __init__(self, work: Work, count: int) -> None:
        self.work = work
        self.workers = [Worker(number=number) for number in range(1, count + 1)]
        self.reading, self.held = os.pipe()

    def run(self) -> None:
        """Until SIGTERM or SIGINT. :raises Misconfigured: the first workers could not start."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            while not self._stopped():
                self._fill()
                self._reap()
            self._end()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)

    def _stopped(self) -> bool:
        heard = signal.sigtimedwait(HEARD, 0.2)
        return heard is not None and heard.si_signo in (signal.SIGTERM, signal.SIGINT)

    def _fill(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            if not worker.pid and now >= worker.due:
                worker.pid, worker.since, worker.lives = self._fork(), now, worker.lives + 1
                log.info("worker %d is process %d", worker.number, worker.pid)

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            os.close(self.held)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            self.work(self.reading)
            code = 0
        except (Misconfigured, Unavailable) as refusal:
            log.error("%s", refusal)
            code = CANNOT_START
        except BaseException:
            log.exception("a worker failed")
        finally:
            sys.stderr.flush()
            os._exit(code)  # what the supervisor would do at its end is not this process's to do

    def _reap(self) -> None:
        for worker, code in self._dead():
            lived = time.monotonic() - worker.since
            worker.never = worker.never or (code == CANNOT_START and worker.lives == 1)
            if all(one.never for one in self.workers):
                self._end()
                raise Misconfigured("the workers could not start; the lines above say why")
            worker.deaths = worker.deaths + 1 if lived < YOUNG else 0
            wait = min(0.25 * 2**worker.deaths, LONGEST_WAIT) if worker.deaths else 0.0
            worker.due = time.monotonic() + wait
            log.error("worker %d ended (%d) after %.0f s; the next starts in %.1f s", worker.number, code, lived, wait)

    def _dead(self) -> list[tuple[Worker, int]]:
        found = []
        for worker in self.workers:
            if worker.pid and (ended := os.waitpid(worker.pid, os.WNOHANG))[0]:
                worker.pid = 0
                found.append((worker, os.waitstatus_to_exitcode(ended[1])))
        return found

    def _end(self) -> None:
        """Have all workers finish what they are at; kill those that do not."""
        self._tell(signal.SIGTERM)
        until = time.monotonic() + GRACE
        while any(worker.pid for worker in self.workers):
            self._dead()
            if time.monotonic() > until:
                self._tell(signal.SIGKILL)
            time.sleep(0.05)

    def _tell(self, what: signal.Signals) -> None:
        for worker in self.workers:
            if worker.pid:
                os.kill(worker.pid, what)


def supervise(work: Work, count: int) -> None:
    """Run ``count`` processes of ``work`` until told to stop. :raises Misconfigured: they could not start."""
    Supervisor(work, count).run()
