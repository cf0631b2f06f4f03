"""The watch over every test's node catches a route that shows rows of a foreign division, and lets pass what may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import select

from gdbos import canary
from gdbos.bus.record import bus_receipt
from gdbos.plugin import PUBLIC
from gdbos.testing import Site, deployment, serving
from gdbos.unit import Run, Unit


def every_subject(unit: Unit) -> list[str]:
    """A mistake: it reads past ``unit.rows``, the one way that keeps rows apart."""
    return list(unit.connection.execute(select(bus_receipt.c.subject)).scalars())


def own_subjects(unit: Unit) -> list[str]:
    return list(unit.execute(unit.rows(bus_receipt, bus_receipt.c.subject)).scalars())


@get("/leak/body", permission=PUBLIC)
async def in_the_body(run: NamedDependency[Run]) -> list[str]:
    return await run.read(every_subject)


@get("/leak/header", permission=PUBLIC)
async def in_a_header(run: NamedDependency[Run]) -> Response[None]:
    return Response(None, headers={"x-last": (await run.read(every_subject))[0]})


@get("/kept", permission=PUBLIC)
async def kept_apart(run: NamedDependency[Run]) -> list[str]:
    return await run.read(own_subjects)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(deployment(tmp_path_factory.mktemp("canary"))) as found:
        for handler in (in_the_body, in_a_header, kept_apart):
            found.client.app.register(handler)
        yield found


@pytest.mark.parametrize("path", ["/leak/body", "/leak/header"])
def test_a_route_that_forgets_whose_rows_they_are_fails_the_test_that_asks_it(site: Site, path: str) -> None:
    with pytest.raises(AssertionError, match=f"rows of a foreign division were shown: GET {path}"):
        site.client.get(path)


def test_a_route_that_keeps_rows_apart_is_let_pass(site: Site) -> None:
    assert site.client.get("/kept").json() == []


def test_what_no_client_looked_at_fails_when_the_node_ends(tmp_path: Path) -> None:
    def ask_behind_the_clients_back(site: Site) -> Any:
        site.client.app.register(in_the_body)
        site.client.event_hooks["response"].clear()
        return site.client.get("/leak/body").json()

    with (
        pytest.raises(AssertionError, match="GET /leak/body"),
        serving(deployment(tmp_path)) as found,
    ):
        assert ask_behind_the_clients_back(found) == [canary.SUBJECT]


def test_every_scoped_table_has_one(site: Site) -> None:
    def without(unit: Unit) -> list[str]:
        tables = [(table, canary.owners(scope)) for table, scope in canary.scoped(site.kernel)]
        assert len(tables) >= 10
        return [
            table.name
            for table, owners in tables
            if not unit.connection.execute(select(table).filter_by(**owners)).first()
        ]

    assert set(site.unit(without)) <= {"bus_repeat"}  # answers for repeats are forgotten after a day, a canary's too
