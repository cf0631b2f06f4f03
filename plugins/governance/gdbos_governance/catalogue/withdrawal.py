"""Taking a data resource out of the catalogue (下线), with everything that hangs on it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete

from gdbos import Conflict, Unit

from . import search
from .events import ResourceWithdrawn
from .mount import end_all
from .resource import Done, moved, own
from .tables import publication


def withdraw(unit: Unit, resource_id: UUID, reason: str) -> Done:
    """Take a resource out of the catalogue, with the reason; its mounts end with it.

    :raises NotFound: none of the actor's. :raises Forbidden: it is of another body. :raises Conflict: it is withdrawn already.
    """
    row = own(unit, resource_id)
    if row["state"] == "withdrawn":
        raise Conflict("The resource has been withdrawn already.")
    end_all(unit, resource_id, reason)
    unit.execute(delete(publication).where(publication.c.resource == resource_id))
    search.forget(unit, resource_id)
    unit.emit(ResourceWithdrawn(resource=str(resource_id), code=row["code"], body=row["body"]))
    return moved(unit, row, "withdrawn", withdrawn_by=unit.actor.id, withdrawn_at=unit.now, reason=reason)
