"""What one may do with the quality of data."""

from gdbos import N_, Permission

READ = Permission("governance.quality.read", N_("Read quality rules, and the tickets that concern one's body"))
CHECK = Permission("governance.quality.check", N_("Check data against quality rules"))
ANSWER = Permission("governance.quality.answer", N_("Answer and close quality tickets of one's body"))

PERMISSIONS = (READ, CHECK, ANSWER)
