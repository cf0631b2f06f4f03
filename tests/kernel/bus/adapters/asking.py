"""Asking an existing system as the bus does, without the bus."""

from __future__ import annotations

import asyncio
import contextlib

from gdbos.bus.adapters import Asking
from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.http import Http, HttpSettings
from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.target import Target, system_resolver

NAME, CITIZEN, CODE = "韦示例", "450103198503129995", "91450103MADEM00112"
LOOPBACK = ["127.0.0.0/8"]


def run(main):
    return asyncio.run(main)


def asking(value=None, *, within=3.0, service="the.service", **more):
    deadline = asyncio.get_running_loop().time() + within
    return Asking(value=value or {}, deadline=deadline, call="call-1", service=service, **{"provider": "", **more})


async def ask(client, settings, request=None, **more):
    """Ask over HTTP; what breakers and retries know of a line belongs to ``client``."""
    return (await Http(client).ask(settings, asking(request, **more))).value


@contextlib.asynccontextmanager
async def client_for(*urls, networks=LOOPBACK, resolve=system_resolver):
    client = HttpClient([Target(url, networks) for url in urls], resolve=resolve)
    try:
        yield client
    finally:
        await client.aclose()


def http_settings(table, places=None, *, service="the.service"):
    return settings_of(HttpSettings, table, places or {}, service=service)
