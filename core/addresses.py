"""Which addresses may be reached from here: public ones, and the networks that the settings open.

A name is looked up once, every answer is checked, and the caller connects to a checked address itself:
a second look-up could answer differently (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from core.errors import AddressRefused, FetchError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host and port; raises OSError where there are none."""

# Addresses given to public machines are all in here (IANA IPv6 address space registry).
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# Not for public machines, whatever the standard library of this Python release says (IANA special-purpose
# registries): protocol assignments, 6to4 and its relays (deprecated, RFC 7526; it leads to an IPv4 address),
# Teredo and its neighbours, documentation.
_NEVER_PUBLIC: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)

# The last 32 bits of these lead to an IPv4 address: translation (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver gives, in its order of preference."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def checked_addresses(
    host: str, port: int, allowed: Sequence[Network] = (), resolver: Resolver = resolve
) -> tuple[str, ...]:
    """Return the addresses of the host, all of them public or in an allowed network, best first.

    Raises AddressRefused when any of them is neither, and FetchError when the host has none.
    """
    literal = _literal(host)
    if literal is not None:
        answers: Sequence[str] = [literal]
    else:
        try:
            answers = resolver(host, port)
        except (OSError, UnicodeError):
            answers = ()
        if not answers:
            raise FetchError(f"{host} has no address")
    addresses = [_unmapped(ip_address(answer)) for answer in answers]
    if not all(_is_allowed(address, allowed) or is_public(address) for address in addresses):
        raise AddressRefused(f"{host} is not a public address")
    return tuple(map(str, addresses))


def connected_socket(
    host: str, port: int, allowed: Sequence[Network] = (), *, timeout_seconds: float, resolver: Resolver = resolve
) -> socket.socket:
    """Return a blocking socket, connected to the first checked address of the host that can be connected to, for
    libraries that take one. Raises as :func:`checked_addresses` does, and FetchError for no connection.

    ``timeout_seconds`` bounds each attempt, and later each step of the socket.
    """
    for address in checked_addresses(host, port, allowed, resolver):
        try:
            return socket.create_connection((address, port), timeout=timeout_seconds)
        except OSError as error:
            failure = error
    raise FetchError(f"{host} cannot be reached: no connection") from failure


def is_public(address: Address) -> bool:
    """Return whether the address, and an IPv4 address that it leads to, belongs to a public machine."""
    address = _unmapped(address)
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _NEVER_PUBLIC if network.version == address.version)
    )


def is_loopback(host: str) -> bool:
    """Return whether the name or address, an IPv6 one in brackets or not, is this machine's own."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _literal(host: str) -> str | None:
    """Return the address that the host is written as; None for a name.

    A host whose last label is a number is an address (WHATWG URL, "ends in a number"): resolvers read
    ``127.1``, ``0x7f000001``, ``0177.0.0.1`` and ``2130706433`` as one, so other forms than four plain
    numbers are refused.
    """
    try:
        return str(ip_address(host))
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if last.isdigit() or last.startswith("0x"):
            raise AddressRefused(f"{host} is not written as a plain address") from None
        return None


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    return any(network.version == address.version and address in network for network in allowed)
