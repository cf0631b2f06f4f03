"""Who may read the cockpit; roles of the standards packs hand this out."""

from __future__ import annotations

from gdbos import N_, Permission

READ = Permission("enablement.indicators.read", N_("Read the cockpit within one's reach"))

PERMISSIONS = [READ]
