"""The addresses this node may call: registered by scheme, host, port and network, and looked at before connecting.

Whatever a service document or a name server says, a connection goes only to an address that lies in a network registered for
that host (against server-side request forgery): decimal and octal hosts, user names in addresses, mapped IPv6 and
rebinding names end here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import msgspec

from gdbos.errors import Misconfigured, ProviderFailed, Unavailable
from gdbos.secret import Secret

BASE = re.compile(
    r"\A(?P<scheme>https?|postgresql|mysql)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?\Z"
)
NUMERIC_END = re.compile(r"(?:\A|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?\Z")
"""A host whose last label is a number is an address in disguise unless it is a plain dotted one."""
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}
Scheme = Literal["http", "https", "postgresql", "mysql"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Base(msgspec.Struct, frozen=True):
    """An address taken apart."""

    scheme: Scheme
    host: str
    """In lower case, without brackets."""
    port: int
    path: str
    """Without a slash at the end."""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class Target:
    """One registered system: where it may be, and how its name becomes an address."""

    def __init__(self, url: str, networks: Sequence[str], *, ca: str = "", certificate: Secret | None = None) -> None:
        """:param ca: file of the authority that signs its certificate, where it is not a public one.
        :param certificate: chain and private key (PEM) that we show it (mutual TLS).

        :raises Misconfigured: the address or a network cannot be read.
        """
        self.base = parse(url)
        self.ca = ca
        self.certificate = certificate
        try:
            self.networks: list[Network] = [ipaddress.ip_network(network) for network in networks]
        except ValueError as failure:
            raise Misconfigured(f"networks of {url}: {failure}") from None

    async def addresses(self, resolve: Resolve) -> list[str]:
        """Where to connect: every address of the host, all of which lie in the registered networks.

        :raises Unavailable: the host has no address. :raises ProviderFailed: one lies elsewhere.
        """
        found = await resolve(self.base.host, self.base.port)
        if not found:
            raise Unavailable("The provider's host has no address just now.", retry_after=10)
        if not all(self.holds(address) for address in found):
            raise ProviderFailed("The provider's host has an address outside the networks registered for it.")
        return list(dict.fromkeys(found))

    def holds(self, address: str) -> bool:
        """Whether ``address`` lies in a registered network, seen through IPv4 mapped into IPv6."""
        try:
            seen: Address = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(seen, ipaddress.IPv6Address):
            if seen.scope_id:
                return False
            seen = seen.ipv4_mapped or seen
        return any(seen in network for network in self.networks)


LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def private(url: str) -> bool:
    """Whether nobody on the way can read or change what goes there: https, or this very machine."""
    base = parse(url)
    return base.scheme == "https" or base.host in LOOPBACK


def parse(url: str) -> Base:
    """``url`` taken apart. :raises Misconfigured: it is not a plain address, without user, query and fragment."""
    match = BASE.match(url)
    if match is None or any(part in ("", ".", "..") for part in match["path"].split("/")[1:]):
        raise Misconfigured(f'"{url}" is not a plain http or https address: scheme, host, port, path and nothing else')
    scheme: Scheme = msgspec.convert(match["scheme"], Scheme)
    host, port = _host(match["host"], url), int(match["port"] or PORTS[scheme])
    if not 0 < port < 65536:
        raise Misconfigured(f'"{url}" names port {port}; ports lie between 1 and 65535')
    return Base(scheme, host, port, match["path"])


def _host(host: str, url: str) -> str:
    bare = host.strip("[]").lower()
    if host.startswith("[") or NUMERIC_END.search(host):
        try:
            return str(ipaddress.ip_address(bare))
        except ValueError:
            raise Misconfigured(f'the host of "{url}" is neither a name nor a plain address') from None
    return bare


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of ``host`` by the system's own resolver; none where it knows none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found]
