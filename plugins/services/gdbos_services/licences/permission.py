"""What may be done with licences. Roles (packs) hand these out."""

from __future__ import annotations

from gdbos import N_, Permission

OWN = Permission("services.licences.own", N_("Keep and use one's own licences"))
READ = Permission("services.licences.read", N_("Check licences while handling a case"))
ISSUE = Permission("services.licences.issue", N_("Issue licences"))
REVOKE = Permission(
    "services.licences.revoke", N_("Suspend, annul, cancel and revoke licences of one's body"), weighty=True
)
PERMISSIONS = [OWN, READ, ISSUE, REVOKE]
