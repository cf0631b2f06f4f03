"""A list is read while its cases close: it is read again without them; what stays without a basis is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from gdbos.actor import plugin_actor
from gdbos.bus.call import REREADS
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.bus.service import offered_by_plugin
from gdbos.errors import NoBasis
from gdbos.kernel import Kernel
from gdbos.plugin import Disclosed, Offer
from gdbos.text import Text
from gdbos.unit import Unit

BODY = "11450100MADEM0011Y"


class Question(msgspec.Struct):
    pass


class Rows(msgspec.Struct):
    subjects: list[str]


def approve(unit: Unit) -> None:
    """One grant for the list, asked for and approved."""
    grant = new_grant(body=BODY, system="test.rows", service="test.rows.list", provider=BODY)
    decide(unit, draft(unit, grant), approve=True, reason="for the test")


def ask(kernel: Kernel, closes_after: int) -> tuple[list[str], int]:
    """Call a service whose one row loses its case after so many readings; the rows shown and how often they were read."""
    read = 0

    def provide(unit: Unit, question: Question) -> Rows:
        nonlocal read
        read += 1
        return Rows(["person:1"] if read <= closes_after else [])

    offer = Offer(
        code="test.rows.list",
        title=Text("列表", "List"),
        takes=Question,
        gives=Rows,
        provide=provide,
        discloses=lambda _, rows: [Disclosed(subject, "matter", "case") for subject in rows.subjects],
    )

    async def go() -> list[str]:
        async with kernel.running(background=False):
            await kernel.units.write(plugin_actor("kernel"), approve)
            await kernel.refresh()
            kernel.directory.replace([offered_by_plugin(offer, "test.rows", BODY)], [])
            bus = kernel.bus_for(plugin_actor("test.rows"), "test.rows")
            shown: list[str] = (await bus.call(offer.code, {}, body=BODY)).value["subjects"]
            return shown

    return asyncio.run(go()), read


@pytest.mark.parametrize("closes_after", range(REREADS))
def test_a_row_whose_case_closes_meanwhile_is_left_out(new_node: Callable[..., Kernel], closes_after: int) -> None:
    assert ask(new_node(), closes_after) == ([], closes_after + 1)


def test_a_row_that_stays_without_a_basis_is_refused(new_node: Callable[..., Kernel]) -> None:
    with pytest.raises(NoBasis):
        ask(new_node(), REREADS)
