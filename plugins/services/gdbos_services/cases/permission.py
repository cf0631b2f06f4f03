"""Who may do what with cases; roles of the standards packs hand these out."""

from __future__ import annotations

from gdbos import N_, Permission

APPLY = Permission("services.cases.apply", N_("Apply, and follow one's own cases"))
READ = Permission("services.cases.read", N_("See the cases of one's body"))
ACCEPT = Permission("services.cases.accept", N_("Accept applications, or not"))
CORRECT = Permission("services.cases.correct", N_("Tell applicants what is missing"))
SUSPEND = Permission("services.cases.suspend", N_("Stop the clock for a special procedure"))
EXTEND = Permission("services.cases.extend", N_("Extend a time limit that someone else works under"))
DECIDE = Permission("services.cases.decide", N_("Decide cases"), weighty=True)

PERMISSIONS = [APPLY, READ, ACCEPT, CORRECT, SUSPEND, EXTEND, DECIDE]
