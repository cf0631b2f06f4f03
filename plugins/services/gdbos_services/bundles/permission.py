"""What may be done with bundles. Roles (packs) hand these out."""

from __future__ import annotations

from gdbos import N_, Permission

APPLY = Permission("services.bundles.apply", N_("Get one thing done at several departments"))
READ = Permission("services.bundles.read", N_("See how bundles of one's body's cases stand"))
MANAGE = Permission("services.bundles.manage", N_("Plan bundles"))
PERMISSIONS = [APPLY, READ, MANAGE]
