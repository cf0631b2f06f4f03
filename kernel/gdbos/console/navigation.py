"""What the header offers in the console."""

from gdbos.bus.permissions import CALLS, GRANTS_READ, RECALLS, SERVICES_READ
from gdbos.console.permissions import LEDGER_READ, LETTERS_READ, PLUGINS_READ, STANDARDS_READ
from gdbos.pages.navigation import NavigationEntry
from gdbos.text import N_

NAVIGATION = (
    NavigationEntry(area="console", path="/console", title=N_("Health"), permission=PLUGINS_READ, order=1),
    NavigationEntry(area="console", path="/console/plugins", title=N_("Plugins"), permission=PLUGINS_READ, order=10),
    NavigationEntry(area="console", path="/console/services", title=N_("Services"), permission=SERVICES_READ, order=12),
    NavigationEntry(area="console", path="/console/grants", title=N_("Grants"), permission=GRANTS_READ, order=14),
    NavigationEntry(area="console", path="/console/recalls", title=N_("Recalls"), permission=RECALLS, order=15),
    NavigationEntry(area="console", path="/console/calls", title=N_("Calls"), permission=CALLS, order=16),
    NavigationEntry(area="console", path="/console/ledger", title=N_("Ledger"), permission=LEDGER_READ, order=18),
    NavigationEntry(
        area="console", path="/console/letters", title=N_("Dead letters"), permission=LETTERS_READ, order=20
    ),
    NavigationEntry(
        area="console", path="/console/standards", title=N_("Standards"), permission=STANDARDS_READ, order=30
    ),
)
