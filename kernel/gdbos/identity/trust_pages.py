"""The page that says how surely one is known (实名等级), and what to do to be known more surely."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from gdbos.actor import Trust
from gdbos.config import Provider, Settings
from gdbos.identity.identity import account_of
from gdbos.identity.proof import known_trust, lower
from gdbos.pages.language import local_path
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.text import N_
from gdbos.unit import Run, Unit

LEVELS: Final[dict[Trust, str]] = {
    "L1": N_("Nobody has checked who you are."),
    "L2": N_("Your name and number were checked; this log-in showed one thing, such as a password."),
    "L3": N_("Your identity was checked, and this log-in showed a second factor or came from a platform that did."),
    "L4": N_("You were seen in person or by your face, against your identity document."),
}


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How surely this log-in shows who one is, and what leads to the level that is needed."""

    present: Trust
    known: Trust
    """What is known of the person at all; no log-in shows more."""
    factor: bool
    """Whether our second factor leads there."""
    providers: dict[str, Provider]
    """The platforms that lead there, by name."""


@get("/account/trust", permission=KNOWN)
async def trust_page(run: NamedDependency[Run], needed: FromQuery[Trust] = "L1", next: FromQuery[str] = "/") -> Page:
    """How surely one is known, what each level means, and what to do to reach the one that is needed."""
    found = await run.read(ways, needed)
    context = {"ways": found, "needed": needed, "next": local_path(next), "levels": LEVELS}
    return Page("identity/trust.html", context)


def ways(unit: Unit, needed: Trust) -> Ways:
    """What leads this unit's actor to a level of trust."""
    demanded = unit.config(Settings).identity
    known = known_trust(unit, account_of(unit))
    return Ways(
        present=unit.actor.trust,
        known=known,
        factor=lower(known, demanded.factor_trust) >= needed,
        providers={name: one for name, one in demanded.providers.items() if _leads(one, needed)},
    )


def _leads(provider: Provider, needed: Trust) -> bool:
    return provider.kind == "person" and max((provider.trust, *provider.levels.values())) >= needed


TRUST_PAGES: list[Any] = [trust_page]
