"""The mount rate (挂载率), asked of the catalogue over the bus. Where it cannot be had, the cockpit says why and shows the rest."""

from __future__ import annotations

import msgspec

from gdbos import N_, Bus, Consumption, NoGrant, NotFound, Problem, Text

SERVICE = "governance.catalogue.rates"
FIELDS = ("published", "due", "mounted", "rate", "formula")
CONSUMES = [
    Consumption(
        service=SERVICE, purpose=Text("驾驶舱显示数据资源挂载率", "The cockpit shows the mount rate"), fields=FIELDS
    )
]
ABSENT = N_("The data catalogue is not enabled at this node, so there is no mount rate.")
NOT_GRANTED = N_("Your body has not been granted the service {service} yet; an official decides on it in the console.")
FAILED = N_("The data catalogue did not answer; the other figures are not affected.")


class MountRate(msgspec.Struct, frozen=True, kw_only=True):
    """Published resources that must be mounted, and those that are. ``why`` says why there is none."""

    due: int = 0
    mounted: int = 0
    rate: float | None = None
    formula: Text = Text("")
    why: str = ""
    """An English message id; empty where the rate is known."""
    service: str = SERVICE


async def mount_rate(bus: Bus, division: str = "") -> MountRate:
    """The mount rate as the catalogue reckons it; never raises for lack of it."""
    try:
        reply = await bus.call(SERVICE, {"division": division}, purpose="cockpit")
        return msgspec.convert(
            {name: reply.value.get(name) for name in ("due", "mounted", "rate", "formula")}, MountRate
        )
    except NotFound:
        return MountRate(why=ABSENT)
    except NoGrant:
        return MountRate(why=NOT_GRANTED)
    except (Problem, msgspec.ValidationError):
        return MountRate(why=FAILED)
