"""What happens to licences, as others hear of it. Never what stands on them."""

from __future__ import annotations

from gdbos import Event


class LicenceIssued(Event, tag="services.licences.licence-issued/1"):
    """A licence was issued, or a new version of one."""

    licence: str
    identifier: str = ""
    kind: str = ""
    """Id of the licence type."""
    body: str = ""
    division: str = ""
    matter: str = ""
    case: str = ""
    version: int = 1
    follows: str = ""
    """The licence whose place it takes."""


class LicenceStateChanged(Event, tag="services.licences.state-changed/1"):
    """A licence was suspended, given back, annulled, cancelled, revoked, or its next version was issued."""

    licence: str
    identifier: str = ""
    kind: str = ""
    body: str = ""
    division: str = ""
    state: str = ""
    """Code of ``licence.state``."""


OWN: list[type[Event]] = [LicenceIssued, LicenceStateChanged]
