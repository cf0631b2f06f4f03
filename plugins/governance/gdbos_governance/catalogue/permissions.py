"""What one may do with the catalogue."""

from gdbos import N_, Permission

READ = Permission("governance.catalogue.read", N_("Read the catalogue of data resources"))
ENTER = Permission("governance.catalogue.enter", N_("Enter data resources of one's body"))
PUBLISH = Permission(
    "governance.catalogue.publish", N_("Sign off and withdraw data resources of one's body"), weighty=True
)
MOUNT = Permission("governance.catalogue.mount", N_("Mount data resources of one's body on services"))

PERMISSIONS = (READ, ENTER, PUBLISH, MOUNT)
