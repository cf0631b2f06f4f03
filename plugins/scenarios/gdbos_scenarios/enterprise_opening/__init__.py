"""Opening an enterprise (企业开办) in the demo city: what a vendor would ship as a scenario.

people.py     those who log in, and how they speak HTTP
opening.py    the job itself, step by step, through the public addresses only
gathering.py  one data resource gathered, connected and used
summary.py    what it took, in the figures that the departments and the applicant can check
city.py       the demo city: the departments' systems beside a node with its bodies and people
commands.py   gdbos demo city · gdbos demo enterprise-opening
"""

from __future__ import annotations

from pathlib import Path

from gdbos import N_, Plugin, hookimpl

from .commands import demo


@hookimpl
def describe() -> Plugin:
    """A command; matters, forms and the bundle are in the standards packs, the work is done by the services."""
    return Plugin(
        name="scenarios.enterprise_opening",
        title=N_("Opening an enterprise, demonstrated"),
        needs=["services.bundles", "services.instant", "services.licences"],
        commands=[demo],
        locale=Path(__file__).parent.parent / "locale",
    )
