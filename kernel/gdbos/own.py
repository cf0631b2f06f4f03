"""What the kernel itself brings to a node, declared like a plugin's things: permissions, navigation, offers, jobs, kinds and tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import gdbos.identity.assertion
import gdbos.identity.attempt
import gdbos.identity.factor
import gdbos.identity.link
import gdbos.identity.pending
import gdbos.identity.setup
import gdbos.standards.consent
import gdbos.stewardship.proposal  # noqa: F401  (these declare tables that the kernel's revisions make)
from gdbos.bus.adapters import faults
from gdbos.bus.permissions import PERMISSIONS as BUS_PERMISSIONS
from gdbos.bus.rates import forget_spent
from gdbos.bus.recall import remind
from gdbos.bus.receipts import OFFERS as RECEIPTS
from gdbos.bus.repeat import forget_answers
from gdbos.bus.service import Service
from gdbos.bus.version import end_versions
from gdbos.console.navigation import NAVIGATION as CONSOLE_NAVIGATION
from gdbos.console.permissions import PERMISSIONS as CONSOLE_PERMISSIONS
from gdbos.files.permissions import PERMISSIONS as FILE_PERMISSIONS
from gdbos.files.service import CONSUMES as FILE_CONSUMES
from gdbos.files.service import OFFERS as FILE_OFFERS
from gdbos.files.sweep import JOBS as FILE_JOBS
from gdbos.identity.identity import forget_old
from gdbos.identity.permission import PERMISSIONS as IDENTITY_PERMISSIONS
from gdbos.identity.role import KINDS as IDENTITY_KINDS
from gdbos.identity.service import OFFERS as IDENTITY_OFFERS
from gdbos.pages.navigation import NavigationEntry
from gdbos.plugin import PERSON, Job, Kind, Plugin
from gdbos.stewardship.navigation import NAVIGATION as STEWARDSHIP_NAVIGATION
from gdbos.stewardship.permissions import PERMISSIONS as STEWARDSHIP_PERMISSIONS
from gdbos.text import N_

ITSELF: Final = Plugin(
    name="kernel",
    title="The kernel's own pages",
    permissions=(
        *IDENTITY_PERMISSIONS,
        *BUS_PERMISSIONS,
        *FILE_PERMISSIONS,
        *CONSOLE_PERMISSIONS,
        *STEWARDSHIP_PERMISSIONS,
    ),
    navigation=(
        NavigationEntry(
            area="portal", path="/portal/receipts", title=N_("Who looked at my data"), permission=PERSON, order=60
        ),
        *CONSOLE_NAVIGATION,
        *STEWARDSHIP_NAVIGATION,
    ),
    services=(*RECEIPTS, *FILE_OFFERS, *IDENTITY_OFFERS),
    consumes=FILE_CONSUMES,
    kinds=(*IDENTITY_KINDS, Kind("services", Service, faults)),
    jobs=(
        Job(name="forget-sessions", every=timedelta(minutes=5), run=forget_old),
        Job(name="end-versions", every=timedelta(minutes=1), run=end_versions),
        Job(name="remind-recalls", every=timedelta(hours=1), run=remind),
        Job(name="forget-spent", every=timedelta(minutes=15), run=forget_spent),
        Job(name="forget-answers", every=timedelta(minutes=15), run=forget_answers),
        *FILE_JOBS,
    ),
)
TEMPLATES: Final = {
    part: Path(__file__).parent / part / "templates" for part in ("identity", "bus", "console", "stewardship")
}
"""Unlike a plugin's, the kernel's templates lie in one folder per part."""
