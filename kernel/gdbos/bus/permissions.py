"""What the bus's own addresses need."""

from gdbos.plugin import Permission
from gdbos.text import N_

CALL = Permission("kernel.bus.call", N_("Call services of the data bus"))
CALLS = Permission("kernel.bus.calls", N_("Read the call log of one's body"))
REGISTER = Permission("kernel.bus.register", N_("Register services of one's body"))
SERVICES_READ = Permission("kernel.bus.services", N_("See services and their consumers in the console"))
GRANTS_READ = Permission("kernel.grants.read", N_("Read the grants that concern one's body"))
GRANTS_ASK = Permission("kernel.grants.ask", N_("Ask for a grant"))
GRANTS_DECIDE = Permission("kernel.grants.decide", N_("Approve, refuse and revoke grants"), weighty=True)
RECALL = Permission("kernel.recalls.start", N_("Recall values that one's body gave"), weighty=True)
RECALLS = Permission("kernel.recalls.read", N_("Read and acknowledge the recalls that concern one's body"))
SEAL = Permission("kernel.seals.order", N_("Have the receipts of an investigation wait until a day"), weighty=True)
SEALS_READ = Permission("kernel.seals.read", N_("Read the orders by which receipts wait"))
ERASE = Permission("kernel.erasures.order", N_("Have a subject erased, two of them together"), weighty=True)
ERASURES_READ = Permission("kernel.erasures.read", N_("Read the orders by which subjects are erased"))

PERMISSIONS = (
    CALL,
    CALLS,
    REGISTER,
    SERVICES_READ,
    GRANTS_READ,
    GRANTS_ASK,
    GRANTS_DECIDE,
    RECALL,
    RECALLS,
    SEAL,
    SEALS_READ,
    ERASE,
    ERASURES_READ,
)
