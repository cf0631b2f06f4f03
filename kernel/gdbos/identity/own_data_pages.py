"""The page of all that is held of oneself (本人数据): what the signed file holds, to read and to print."""

from __future__ import annotations

from typing import Any, Final

from litestar import get
from litestar.di import NamedDependency

from gdbos.bus.bus import Bus
from gdbos.identity.own_data import answers
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.text import N_

LABELS: Final = {
    "accepted_at": N_("Accepted"),
    "applicant_name": N_("Applicant"),
    "at": N_("When"),
    "body": N_("Body"),
    "body_name": N_("Name of the body"),
    "bundle": N_("Bundle"),
    "by": N_("By"),
    "call": N_("Number of the call"),
    "case": N_("Case"),
    "citizen_id": N_("Identity number"),
    "closed_at": N_("When it was closed"),
    "decided_at": N_("Decided"),
    "drafted_at": N_("Begun"),
    "fields": N_("Fields"),
    "finished_at": N_("Finished"),
    "grant": N_("Grant"),
    "holder_name": N_("Holder"),
    "id": N_("Number"),
    "identifier": N_("Identifier"),
    "issued_on": N_("Issued on"),
    "issuer": N_("Issuer"),
    "issuer_name": N_("Name of the issuer"),
    "matter": N_("Matter"),
    "matter_title": N_("Name of the matter"),
    "mobile": N_("Mobile number"),
    "name": N_("Name"),
    "number": N_("Number"),
    "provider": N_("Provider"),
    "provider_name": N_("Name of the provider"),
    "purpose": N_("Purpose"),
    "received_at": N_("Received"),
    "service": N_("Service"),
    "started_at": N_("Begun"),
    "state": N_("State"),
    "state_title": N_("State in words"),
    "subject": N_("Key of the person or enterprise"),
    "submitted_at": N_("Handed in"),
    "system": N_("System"),
    "title": N_("Title"),
    "type": N_("Type"),
    "uscc": N_("Unified social credit code"),
    "valid_until": N_("Valid until"),
    "version": N_("Version"),
}
"""What fields are called here; one that has no words is shown by its name, as the file has it."""


@get("/account/data", permission=KNOWN)
async def data_page(bus: NamedDependency[Bus], kernel: NamedDependency[Kernel]) -> Page:
    """All that this node holds of oneself, to read and to print; the signed file says the same."""
    found = [one async for one in answers(bus, kernel)]
    return Page("identity/data.html", {"answers": found, "labels": LABELS, "made": kernel.clock()})


DATA_PAGES: list[Any] = [data_page]
