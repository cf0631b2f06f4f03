"""What one may do with requests for shared data."""

from gdbos import N_, Permission

READ = Permission("governance.sharing.read", N_("Read the requests for data that concern one's body"))
REQUEST = Permission("governance.sharing.request", N_("Ask another department for data"))
DECIDE = Permission("governance.sharing.decide", N_("Decide on requests for data of one's body"), weighty=True)

PERMISSIONS = (READ, REQUEST, DECIDE)
