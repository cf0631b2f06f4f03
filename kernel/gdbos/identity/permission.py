"""The rights that identity itself asks for."""

from __future__ import annotations

from gdbos.plugin import Permission
from gdbos.text import N_

READ = Permission("kernel.identity.read", N_("See bodies, accounts, posts and systems"))
REGISTER = Permission("kernel.identity.register", N_("Register bodies and enterprises"))
ADMIT = Permission("kernel.identity.admit", N_("Open, disable and restore accounts"), weighty=True)
APPOINT = Permission("kernel.identity.appoint", N_("Give posts to officials and end them"), weighty=True)
CONNECT = Permission("kernel.identity.connect", N_("Register the systems of bodies and their keys"), weighty=True)

PERMISSIONS = [READ, REGISTER, ADMIT, APPOINT, CONNECT]
