"""Which addresses the app may fetch media from: public ones, and the one that was checked is the one that is used."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str], Awaitable[list[Address]]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")
)
"""What some versions of Python count as global: special purposes, IPv4 inside IPv6 in old ways, and site-local."""


class ForbiddenAddress(httpx.TransportError):
    """A URL leads where the app must not go. An `httpx` error, because it travels through a client."""


def is_public(address: Address) -> bool:
    """Whether an address is of the public internet.

    Loopback, private, link-local (cloud metadata services live there), shared, multicast and reserved ones are not;
    nor are IPv6 forms that carry such an IPv4 address inside (mapped, 6to4, Teredo, NAT64).
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(part is not None and not is_public(part) for part in inner):
            return False
        if any(part is not None for part in inner):
            return True
    if any(address.version == network.version and address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


async def resolve(host: str) -> list[Address]:
    """All addresses of a host name, from the system's resolver.

    Raises:
        OSError: the name is not known.
    """
    literal = parse_address(host)
    if literal is not None:
        return [literal]
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def parse_address(host: str) -> Address | None:
    """The address that `host` spells, also in the old IPv4 forms (`127.1`, `0x7f000001`); `None` for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


class PublicTransport(httpx.AsyncBaseTransport):
    """HTTPS to public addresses only, checked for every request and so for every redirect.

    The name is resolved once, every address it has must be public, and the connection goes to the address that was
    checked: a name that changes its answer in between (DNS rebinding) gains nothing. TLS still verifies the name.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        allowed: Callable[[Address], bool] = is_public,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._resolve = resolver
        self._allowed = allowed
        # No connection is kept: one made for a host must not be used for another at the same address.
        self._inner = inner or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, pin and send one request; redirects come as requests of their own."""
        url = request.url
        address = await self.check(url)
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=str(address)),
            headers=request.headers,  # `Host` is among them, with the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return await self._inner.handle_async_request(pinned)

    async def check(self, url: httpx.URL) -> Address:
        """The address that a connection for `url` goes to.

        Raises:
            ForbiddenAddress: it must not.
            httpx.ConnectError: its host is not known.
        """
        if url.scheme != "https":
            raise ForbiddenAddress("the URL must be an https one")
        if url.userinfo:
            raise ForbiddenAddress("the URL carries a user name or password")
        try:
            addresses = await self._resolve(url.host)
        except (OSError, UnicodeError):
            raise httpx.ConnectError("the host name is not known") from None
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise ForbiddenAddress("the URL leads to an address that is not public")
        return addresses[0]

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self._inner.aclose()
