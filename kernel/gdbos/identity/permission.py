"""The rights that identity itself asks for."""

from __future__ import annotations

from gdbos.plugin import Permission
from gdbos.text import N_

READ = Permission("kernel.identity.read", N_("See bodies, accounts, posts and systems"))
REGISTER = Permission("kernel.identity.register", N_("Register bodies and enterprises"), weighty=True)
ADMIT = Permission("kernel.identity.admit", N_("Open, disable and restore accounts"), weighty=True)
APPOINT = Permission("kernel.identity.appoint", N_("Give posts to officials and end them"), weighty=True)
CONFIRM = Permission(
    "kernel.identity.confirm", N_("Confirm the appointment of an administrator that another asked for"), weighty=True
)
CONNECT = Permission("kernel.identity.connect", N_("Register the systems of bodies and their keys"), weighty=True)

EXPLAIN = Permission("kernel.identity.explain", N_("See why somebody may do something, or may not"))

DELEGATE = Permission(
    "kernel.identity.delegate", N_("Let a colleague stand in at one's post, and end it"), weighty=True
)
IMPORT = Permission("kernel.identity.import", N_("Bring in bodies and officials from tables"), weighty=True)

PERMISSIONS = [DELEGATE, EXPLAIN, IMPORT, READ, REGISTER, ADMIT, APPOINT, CONFIRM, CONNECT]
