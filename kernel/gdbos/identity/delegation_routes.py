"""``/api/identity/delegations``: standing in for an official who is away."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gdbos.identity.delegation import Delegation, delegate, delegations, revoke_delegation
from gdbos.identity.permission import DELEGATE
from gdbos.unit import Run

Word = Annotated[str, msgspec.Meta(max_length=100)]


class DelegationEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delegation to give."""

    post: UUID
    to: Word
    """Log-in name of the colleague."""
    until: date
    since: date | None = None
    matters: Annotated[tuple[Word, ...], msgspec.Meta(max_length=200)] = ()


class DelegationGiven(msgspec.Struct, frozen=True):
    """The id of the delegation."""

    id: UUID


class DelegationRoutes(Controller):
    """Delegations."""

    path = "/api/identity/delegations"
    tags = ("identity",)

    @get(permission=DELEGATE)
    async def delegations(self, run: NamedDependency[Run]) -> list[Delegation]:
        """The delegations one has given and received, newest first."""
        return await run.read(delegations)

    @post(permission=DELEGATE)
    async def give(self, run: NamedDependency[Run], data: JSONBody[DelegationEntry]) -> DelegationGiven:
        """Let a colleague stand in at one of one's posts until a day."""
        made = await run(delegate, data.post, data.to, until=data.until, since=data.since, matters=data.matters)
        return DelegationGiven(made)

    @delete("/{delegation_id:uuid}", permission=DELEGATE)
    async def revoke(self, delegation_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """End a delegation at once."""
        await run(revoke_delegation, delegation_id)
