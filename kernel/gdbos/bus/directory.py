"""The services one worker knows: looked up once per call, read again when a worker says that they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from gdbos.bus.compatibility import covering
from gdbos.bus.grant import Grant
from gdbos.bus.service import Offered
from gdbos.errors import Gone, NotFound
from gdbos.standards import Standards


class Directory:
    """The services this worker knows, by code; unless a version is named, the highest live one answers."""

    def __init__(self) -> None:
        self._live: Mapping[str, Offered] = {}
        self._versions: Mapping[str, Sequence[Offered]] = {}
        self._numbers: Mapping[str, str] = {}
        self._withdrawn: frozenset[str] = frozenset()
        self._answering: dict[tuple[UUID, date], Offered] = {}

    def replace(self, live: Iterable[Offered], withdrawn: Iterable[str]) -> None:
        """Know ``live`` from now on."""
        versions: dict[str, list[Offered]] = {}
        for service in sorted(live, key=lambda s: s.version, reverse=True):
            versions.setdefault(service.code, []).append(service)
        self._versions, self._answering = versions, {}
        self._live = {code: ones[0] for code, ones in versions.items()}
        self._numbers = {
            sid: one.code for one in self._live.values() if (sid := one.registered.sid if one.registered else "")
        }
        self._withdrawn = frozenset(withdrawn) - set(self._live)

    def resolve(self, code: str, version: int = 0) -> Offered:
        """The service ``code``, the newest version unless one is named.

        :raises NotFound: no such service or version. :raises Gone: it was withdrawn.
        """
        found = self._live.get(code)
        if found is not None and version and version != found.version:
            found = next((one for one in self._versions[code] if one.version == version), None)
        if found is None:
            if code in self._withdrawn:
                raise Gone("Service {code} has been withdrawn by its provider; ask them for its successor.", code=code)
            raise self._absent(code, version)
        return found

    def provider(self, code: str) -> str:
        """The body that offers the service ``code`` now; empty where nobody does."""
        found = self._live.get(code)
        return found.provider if found else ""

    def by_number(self, sid: str) -> str:
        """The code of the service that old clients of the national exchange gateway call by ``sid``; a code is its own.

        :raises NotFound: no service has this number.
        """
        code = self._numbers.get(sid, sid)
        if code not in self._live and code not in self._withdrawn:
            raise NotFound("No service of this node has the number {sid} on the exchange.", sid=sid)
        return code

    def _absent(self, code: str, version: int) -> NotFound:
        if code not in self._versions:
            return NotFound("There is no service {code} at this node.", code=code)
        live = ", ".join(str(one.version) for one in self._versions[code])
        return NotFound(
            "Service {code} has no live version {version}; call one of: {live}.", code=code, version=version, live=live
        )

    def answering(self, newest: Offered, grant: Grant, standards: Standards, on: date) -> Offered:
        """The version of a service that answers ``grant`` on a day: the newest that breaks nothing it was given for."""
        versions = self._versions[newest.code]
        if len(versions) == 1:
            return newest
        found = self._answering.get((grant.id, on))
        if found is None:
            found = self._answering[grant.id, on] = covering(versions, grant, standards, on)
        return found

    def versions(self, code: str) -> Sequence[Offered]:
        """The live versions of a service, newest first; none where there is no such service."""
        return self._versions.get(code, ())

    def all(self) -> list[Offered]:
        """Every service in its newest live version, by code."""
        return [self._live[code] for code in sorted(self._live)]
