"""Who may open which part of the console; roles of the standards packs hand these out."""

from gdbos.plugin import Permission
from gdbos.text import N_

PLUGINS_READ = Permission("kernel.plugins.read", N_("See plugins and the node's health"))
LEDGER_READ = Permission("kernel.ledger.read", N_("See where the ledger stands"))
LEDGER_EPOCH = Permission(
    "kernel.ledger.epoch", N_("Begin a new epoch of a log whose end was lost, two of them together"), weighty=True
)
LETTERS_READ = Permission("kernel.letters.read", N_("See events that could not be delivered"))
LETTERS_RETRY = Permission("kernel.letters.retry", N_("Deliver parked events again"))
LETTERS_DROP = Permission("kernel.letters.drop", N_("Drop parked events, with reasons"))
STANDARDS_READ = Permission("kernel.standards.read", N_("Browse standards in the console"))
STANDARDS_DRAFT = Permission("kernel.standards.draft", N_("Hand in drafts of standards packs"))
STANDARDS_PUBLISH = Permission(
    "kernel.standards.publish", N_("Publish, refuse and withdraw standards packs"), weighty=True
)
STANDARDS_CONSENT = Permission("kernel.standards.consent", N_("Agree to changes of standards for one's own body"))
AUDIT_READ = Permission("kernel.audit.read", N_("Search the audit log"))

PERMISSIONS = (
    AUDIT_READ,
    PLUGINS_READ,
    LEDGER_READ,
    LETTERS_READ,
    LETTERS_RETRY,
    LETTERS_DROP,
    STANDARDS_READ,
    STANDARDS_DRAFT,
    STANDARDS_PUBLISH,
    STANDARDS_CONSENT,
)
