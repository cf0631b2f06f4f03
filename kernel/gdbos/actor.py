"""Who is acting, for whom, from which body, and within which reach."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from gdbos.errors import Forbidden
from gdbos.plugin import KNOWN, PERSON, PUBLIC, Permission

Trust = Literal["L1", "L2", "L3", "L4"]
"""How surely we know that a person is who they say: from self-declared to seen in person with their document."""

ActorKind = Literal["anonymous", "person", "official", "system", "plugin"]


class Link(msgspec.Struct, frozen=True):
    """One link of the acting chain (操作链): node, system or plugin, then the person or official; then under what they act:
    ``delegation`` and ``holder`` for an official in another's post, ``mandate`` or ``by-law`` for an agent. Rights of links are
    never added up: what the chain may do is what every one of them may."""

    kind: str
    id: str


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Someone or something that acts in one request, event or job."""

    kind: ActorKind = "anonymous"
    id: str = ""
    """Principal id; for a plugin its name."""
    aliases: tuple[str, ...] = ()
    """Ids of the further accounts of the same human."""
    name: str = ""
    """How pages greet them; never written to logs."""
    body: str = ""
    """USCC of the body an official's active post or a system belongs to."""
    division: str = ""
    """GB/T 2260 code of that body."""
    reach: Literal["own", "body", "division", "node"] = "own"
    """How far an official's rows reach: their body, its division's subtree, or the whole node."""
    area: str = ""
    """Division to whose subtree an official's post at a body is limited; empty: all that the body has."""
    matters: tuple[str, ...] = ()
    """Matters to which an official's post, or the mandate of whoever acts for another, is limited; empty: all."""
    subject: str = ""
    """The actor's own subject key, for a person."""
    acts_for: str = ""
    """Subject key of the enterprise or person represented under a mandate (委托)."""
    represents: str = ""
    """How pages name whom they act for: the enterprise, the person, or an official's body; never written to logs."""
    permissions: frozenset[str] = frozenset()
    """Permission names, or prefixes that end in ``.*``."""
    chain: tuple[Link, ...] = ()
    session: UUID | None = None
    trust: Trust = "L1"
    """How surely this log-in shows that a person is who they say: never above what is known of them."""
    proven_at: datetime | None = None
    """When this session last showed a second factor; None: never."""
    signature: str = ""
    """Of a system that signed this request: SHA-256 over the signature base and the signature, in base64."""
    locale: str = "zh"

    def may(self, permission: Permission) -> bool:
        """Whether this actor holds ``permission``."""
        if permission == PUBLIC:
            return True
        if self.kind == "anonymous":
            return False
        if permission == PERSON:
            return self.kind == "person"
        if permission.officials and self.kind != "official":
            return True
        if permission == KNOWN or self.kind == "plugin" or permission.name in self.permissions:
            return True
        parts = permission.name.split(".")
        return any(".".join([*parts[:n], "*"]) in self.permissions for n in range(1, len(parts)))

    def answers_for(self, principal: str) -> bool:
        """Whether what ``principal`` asked for is the actor's own: under this account or another of theirs, or under the
        account in whose post they stand. Nobody approves their own request (四眼原则)."""
        own = {self.id, *self.aliases, *(link.id for link in self.chain if link.kind == "holder")}
        return self.kind != "plugin" and principal in own

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject keys whose data the actor reaches: their own, or those alone of whom they act for. Never both at once."""
        key = self.acts_for or self.subject
        return (key,) if key else ()


ANONYMOUS = Actor()


def refuse_agent(actor: Actor) -> None:
    """:raises Forbidden: ``actor`` acts for somebody under a mandate, and not for themself or by law."""
    if any(link.kind == "mandate" for link in actor.chain):
        raise Forbidden("A mandate is for matters; only the one it speaks for takes everything away.")


def plugin_actor(name: str, chain: tuple[Link, ...] = ()) -> Actor:
    """The plugin ``name`` itself, acting in an event handler or a job; ``chain`` names who caused it."""
    return Actor(kind="plugin", id=name, reach="node", chain=(*chain, Link("plugin", name)))
