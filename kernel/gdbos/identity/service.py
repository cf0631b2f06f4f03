"""What identity knows of whoever is logged in, as a bus service: their own data and nobody else's."""

from __future__ import annotations

import msgspec

from gdbos.errors import Forbidden
from gdbos.identity.deciding import deciding
from gdbos.identity.person import person
from gdbos.plugin import Disclosed, Offer
from gdbos.text import Text
from gdbos.unit import Unit

CODE = "kernel.identity.applicant"


class ApplicantQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say: it is always oneself."""


class ApplicantFacts(msgspec.Struct, frozen=True):
    """What someone need not type again."""

    subject: str
    name: str
    citizen_id: str
    mobile: str
    uscc: str
    """Of the enterprise they act for; empty where they act for themself."""


def own_facts(unit: Unit, query: ApplicantQuery) -> ApplicantFacts:
    """The caller's own number, name and telephone. :raises Forbidden: the caller is no person."""
    # Also while they act for another, whose rows they reach then: who acts has to be named.
    row = unit.execute(deciding(person, person).where(person.c.subject == unit.actor.subject)).first()
    if unit.actor.kind != "person" or row is None:
        raise Forbidden("Only a person has data of their own here.")

    def opened(column: str) -> str:
        sealed = getattr(row, column)
        return unit.vault.open(sealed, table=person.name, column=column, row=row.id).decode()

    return ApplicantFacts(
        subject=row.subject,
        name=opened("name"),
        citizen_id=opened("citizen_id"),
        mobile=opened("phone"),
        uscc=unit.actor.acts_for.removeprefix("enterprise:") if unit.actor.acts_for.startswith("enterprise:") else "",
    )


def _own(_: ApplicantQuery, reply: ApplicantFacts) -> list[Disclosed]:
    return [Disclosed(reply.subject)]


OFFERS = (
    Offer(
        code=CODE,
        title=Text("本人身份信息", "One's own identity"),
        takes=ApplicantQuery,
        gives=ApplicantFacts,
        provide=own_facts,
        discloses=_own,
        own=True,
    ),
)
