"""What the header offers stewards."""

from gdbos.pages.navigation import NavigationEntry
from gdbos.stewardship.permissions import STEWARD
from gdbos.text import N_

NAVIGATION = (
    NavigationEntry(
        area="console",
        path="/console/standards/proposals",
        title=N_("Proposed data elements"),
        permission=STEWARD,
        order=32,
    ),
)
