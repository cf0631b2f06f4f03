"""Who decides on data elements; roles of the standards packs hand this out."""

from gdbos.plugin import Permission
from gdbos.text import N_

STEWARD = Permission("kernel.standards.steward", N_("Bring in data elements and decide on likenesses"))

PERMISSIONS = (STEWARD,)
