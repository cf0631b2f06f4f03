"""Who may hand in files; roles of the standards packs hand this out."""

from gdbos.plugin import Permission
from gdbos.text import N_

UPLOAD = Permission("kernel.files.upload", N_("Hand in files"))

PERMISSIONS = (UPLOAD,)
