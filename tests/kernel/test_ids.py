"""Identifiers: unique, ordered by when they were made, and proper UUIDs of version 7."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122

import pytest

from gdbos import ids


def test_ids_are_version_7_and_carry_the_time():
    before = time.time_ns() // 1_000_000
    made = ids.new_id()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after + 1


def test_ids_grow_within_a_process():
    made = [ids.new_id() for _ in range(20_000)]
    assert all(a < b for a, b in pairwise(made))


def test_ids_grow_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch):
    first = ids.new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert ids.new_id() > first


def test_threads_never_make_the_same_id():
    with ThreadPoolExecutor(8) as threads:
        made = [id_ for batch in threads.map(lambda _: [ids.new_id() for _ in range(2_000)], range(8)) for id_ in batch]
    assert len(set(made)) == len(made)


def test_a_forked_child_does_not_make_its_parents_ids():
    ids.new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.new_id().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    made = os.read(reading, 16)
    mine = ids.new_id().bytes
    assert made[8:] != mine[8:]
    for end in (reading, writing):
        os.close(end)
