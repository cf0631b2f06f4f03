"""What happens to data resources."""

from __future__ import annotations

from gdbos import Event


class ResourcePublished(Event, tag="governance.catalogue.resource-published/1"):
    """A data resource was signed off and stands in the catalogue."""

    resource: str
    code: str
    body: str
    division: str
    sharing: str


class ResourceWithdrawn(Event, tag="governance.catalogue.resource-withdrawn/1"):
    """A data resource was taken out of the catalogue."""

    resource: str
    code: str
    body: str


class ResourceMounted(Event, tag="governance.catalogue.resource-mounted/1"):
    """A probe of a mount succeeded that was not live before."""

    resource: str
    mount: str
    service: str
    body: str
    division: str


class ResourceUnmounted(Event, tag="governance.catalogue.resource-unmounted/1"):
    """A mount is not live any more: taken away, or its last good probe is too old."""

    resource: str
    mount: str
    service: str
    body: str
    division: str


class ProbeDue(Event, tag="governance.catalogue.probe-due/1"):
    """The turn of a mount to be probed has come."""

    mount: str


class ObjectionRaised(Event, tag="governance.catalogue.objection-raised/1"):
    """A department disputes a resource of another."""

    objection: str
    resource: str
    body: str
    objector: str
    kind: str


class ObjectionAnswered(Event, tag="governance.catalogue.objection-answered/1"):
    """The owner of a resource has answered an objection."""

    objection: str
    resource: str
    body: str
    objector: str
    verdict: str


class ObjectionClosed(Event, tag="governance.catalogue.objection-closed/1"):
    """Whoever raised an objection is content with the answer, or gives up."""

    objection: str
    resource: str
    body: str
    objector: str


EVENTS = (
    ResourcePublished,
    ResourceWithdrawn,
    ResourceMounted,
    ResourceUnmounted,
    ProbeDue,
    ObjectionRaised,
    ObjectionAnswered,
    ObjectionClosed,
)
