"""Counterparts that several adapters meet."""

from __future__ import annotations

import threading

import pytest

from .worst import WorstServer


@pytest.fixture
def worst():
    server = WorstServer()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
