"""What the header offers in the console."""

from gdbos.bus.permissions import CALLS, ERASURES_READ, GRANTS_READ, RECALLS, SEALS_READ, SERVICES_READ
from gdbos.console.permissions import AUDIT_READ, LEDGER_READ, LETTERS_READ, PLUGINS_READ, STANDARDS_READ
from gdbos.identity.permission import CONFIRM, DELEGATE, EXPLAIN, IMPORT, READ
from gdbos.pages.navigation import NavigationEntry
from gdbos.text import N_

NAVIGATION = (
    NavigationEntry(area="console", path="/console/organisation", title=N_("Organisation"), permission=READ, order=40),
    NavigationEntry(
        area="console", path="/console/appointments", title=N_("Appointments"), permission=CONFIRM, order=41
    ),
    NavigationEntry(area="console", path="/console/roles", title=N_("Roles"), permission=READ, order=42),
    NavigationEntry(area="console", path="/console/import", title=N_("Import"), permission=IMPORT, order=44),
    NavigationEntry(area="console", path="/console/decisions", title=N_("Decisions"), permission=EXPLAIN, order=46),
    NavigationEntry(area="console", path="/console/audit", title=N_("Audit"), permission=AUDIT_READ, order=48),
    NavigationEntry(
        area="workbench", path="/workbench/delegations", title=N_("Standing in"), permission=DELEGATE, order=80
    ),
    NavigationEntry(area="console", path="/console", title=N_("Health"), permission=PLUGINS_READ, order=1),
    NavigationEntry(area="console", path="/console/plugins", title=N_("Plugins"), permission=PLUGINS_READ, order=10),
    NavigationEntry(area="console", path="/console/services", title=N_("Services"), permission=SERVICES_READ, order=12),
    NavigationEntry(area="console", path="/console/grants", title=N_("Grants"), permission=GRANTS_READ, order=14),
    NavigationEntry(area="console", path="/console/recalls", title=N_("Recalls"), permission=RECALLS, order=15),
    NavigationEntry(
        area="console", path="/console/seals", title=N_("Sealed inquiries"), permission=SEALS_READ, order=17
    ),
    NavigationEntry(area="console", path="/console/erasures", title=N_("Erasures"), permission=ERASURES_READ, order=19),
    NavigationEntry(area="console", path="/console/calls", title=N_("Calls"), permission=CALLS, order=16),
    NavigationEntry(area="console", path="/console/ledger", title=N_("Ledger"), permission=LEDGER_READ, order=18),
    NavigationEntry(
        area="console", path="/console/letters", title=N_("Dead letters"), permission=LETTERS_READ, order=20
    ),
    NavigationEntry(
        area="console", path="/console/standards", title=N_("Standards"), permission=STANDARDS_READ, order=30
    ),
    NavigationEntry(
        area="console",
        path="/console/standards/editions",
        title=N_("Publication of standards"),
        permission=STANDARDS_READ,
        order=32,
    ),
)
