"""A log that falls short, over HTTP: a new epoch proposed by one administrator, confirmed by another, or withdrawn.

The node only reads meanwhile, so these act in the name of recovery, with the administrator in the chain.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.console.permissions import LEDGER_EPOCH
from gdbos.kernel import Kernel
from gdbos.ledger.epoch import Epoch, acting, confirm, propose, withdraw

HERE = "/console/ledger"


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the lost records cannot be restored."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class EpochRoutes(Controller):
    """New epochs of logs whose end was lost."""

    path = "/api/kernel/ledger/{log:str}/epoch"
    tags = ("ledger",)

    @post(permission=LEDGER_EPOCH)
    async def propose_epoch(
        self,
        log: FromPath[str],
        data: JSONBody[Proposal],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Epoch:
        """Propose a new epoch of a log that falls short."""
        return await proposing(kernel, actor, log, data.reason)

    @post("/confirm", permission=LEDGER_EPOCH, status_code=200)
    async def confirm_epoch(
        self, log: FromPath[str], actor: NamedDependency[Actor], kernel: NamedDependency[Kernel]
    ) -> Epoch:
        """Begin the epoch that another administrator proposed."""
        return await confirming(kernel, actor, log)

    @delete(permission=LEDGER_EPOCH)
    async def withdraw_epoch(
        self, log: FromPath[str], actor: NamedDependency[Actor], kernel: NamedDependency[Kernel]
    ) -> None:
        """Take the proposal back."""
        await kernel.units.write(acting(actor), withdraw, log)


class EpochPages(Controller):
    """The same from the console's ledger page."""

    path = "/console/ledger/{log:str}/epoch"

    @post(permission=LEDGER_EPOCH)
    async def propose(
        self,
        log: FromPath[str],
        data: URLEncodedBody[Proposal],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Redirect:
        """Propose a new epoch."""
        await proposing(kernel, actor, log, data.reason)
        return Redirect(HERE, status_code=HTTP_303_SEE_OTHER)

    @post("/confirm", permission=LEDGER_EPOCH)
    async def confirm(
        self, log: FromPath[str], actor: NamedDependency[Actor], kernel: NamedDependency[Kernel]
    ) -> Redirect:
        """Begin it."""
        await confirming(kernel, actor, log)
        return Redirect(HERE, status_code=HTTP_303_SEE_OTHER)


async def proposing(kernel: Kernel, actor: Actor, log: str, reason: str) -> Epoch:
    """Propose a new epoch in the name of ``actor``."""
    return await kernel.units.write(acting(actor), propose, log, reason, actor.id, kernel.book.folder)


async def confirming(kernel: Kernel, actor: Actor, log: str) -> Epoch:
    """Begin the proposed epoch and bring the log on, after which the node writes again."""
    begun = await kernel.units.write(acting(actor), confirm, log, actor, kernel.settings, kernel.book.folder)
    await kernel.book.round()
    return begun


PAGES = [EpochPages]
ROUTES = [EpochRoutes]
