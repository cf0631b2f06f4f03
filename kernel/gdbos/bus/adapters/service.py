"""The ``http`` adapter as the bus calls it, for a service as it is offered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gdbos.bus.adapters import http
from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.http import HttpSettings, settings_of
from gdbos.errors import Misconfigured, Unavailable
from gdbos.text import N_

if TYPE_CHECKING:
    from gdbos.bus.call import Call
    from gdbos.bus.service import Offered


class HttpAdapter:
    """Calls existing systems; reads the settings of each service version once."""

    def __init__(self, client: HttpClient, places: Mapping[str, str]) -> None:
        self._client = client
        self._places = places
        self._settings: dict[tuple[str, int], HttpSettings] = {}

    async def __call__(
        self, service: Offered, request: dict[str, Any], *, call: Call, traceparent: str | None
    ) -> dict[str, Any]:
        try:
            settings = self.settings(service)
        except Misconfigured:
            detail = N_("Service {service} is not set up at this node; its operators have to mend its settings.")
            raise Unavailable(detail, service=service.code) from None
        return await http.call(
            self._client,
            settings,
            request,
            deadline=asyncio.get_running_loop().time() + settings.timeout,
            call_id=str(call.id),
            traceparent=traceparent,
            service=service.code,
            provider=service.provider,
            business=call.business,
        )

    def settings(self, service: Offered) -> HttpSettings:
        """The settings of ``service``. :raises Misconfigured: they cannot be used at this node."""
        version = (service.code, service.version)
        if version not in self._settings:
            assert service.registered is not None
            self._settings[version] = settings_of(service.registered.settings, self._places, service=service.code)
        return self._settings[version]

    def check(self, service: Offered) -> None:
        """Look over the settings of a service that is not registered yet; nothing of them is remembered.

        :raises Misconfigured: they cannot be used, or the address is not among the places of this node.
        """
        assert service.registered is not None
        settings = settings_of(service.registered.settings, self._places, service=service.code)
        if not self._client.reaches(settings.base):
            raise Misconfigured(f'{settings.base} is not among the places of this node; write base = "{{place}}"')

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
