"""Who may do what with matters; reading what is offered is everybody's right."""

from gdbos import Permission

READ = Permission("services.matters.read", "See what each level made of a matter")
PERMISSIONS = (READ,)
