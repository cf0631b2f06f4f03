"""What one may do with the catalogue."""

from gdbos import N_, Permission

READ = Permission("governance.catalogue.read", N_("Read the catalogue of data resources"))
ENTER = Permission("governance.catalogue.enter", N_("Enter data resources of one's body"))
PUBLISH = Permission(
    "governance.catalogue.publish", N_("Sign off and withdraw data resources of one's body"), weighty=True
)
MOUNT = Permission("governance.catalogue.mount", N_("Mount data resources of one's body on services"))

OBJECT = Permission(
    "governance.catalogue.object", N_("Object to data resources of others, answer objections to those of one's body")
)

PERMISSIONS = (READ, ENTER, PUBLISH, MOUNT, OBJECT)
