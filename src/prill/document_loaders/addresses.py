"""Which addresses a page may be loaded from: those that are public, unless more is allowed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from prill.document_loaders.errors import LoadAddressError, LoadSourceError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_OF_CLOUDS = frozenset((ipaddress.ip_address("168.63.129.16"),))
"""Addresses that look public, and where a cloud answers its machines about themselves."""

_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48")))
"""Networks that Python, or an older one, takes for public (https://www.iana.org/assignments/iana-ipv4-special-registry)."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that lead to the IPv4 address in their last 32 bits (https://www.rfc-editor.org/rfc/rfc6052)."""

_ISATAP = 0x00005EFE
"""In front of an IPv4 address in the second half of an IPv6 address (https://www.rfc-editor.org/rfc/rfc5214)."""


def resolve(host: str, port: int, source: str, allow_private: bool) -> list[str]:
    """Return the addresses of a host; the connection must go to one of these, and not ask for the name again.

    Raises:
        LoadAddressError: one of them is not public, and ``allow_private`` is not given.
        LoadSourceError: the name has no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise LoadSourceError(f"the host {host!r:.100} has no address: {error}", source=source) from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            reason = f"{host} has the address {address}, which is not public; allow_private=True allows it"
            raise LoadAddressError(reason, source=source)
    return addresses


def is_public(text: str) -> bool:
    """Return whether an address, and each one that it stands for, is open to everybody on the Internet."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(each) for each in _standing_for(address))


def _is_public(address: _Address) -> bool:
    special = address.is_multicast or address.is_reserved or address in _OF_CLOUDS
    return address.is_global and not special and not any(address in network for network in _NOT_PUBLIC)


def _standing_for(address: _Address) -> Iterator[_Address]:
    """The address; or the IPv4 addresses inside of one that only leads to them."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address in _TRANSLATED:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour:
            yield address.sixtofour
        yield from address.teredo or ()
        if int(address) >> 32 & 0xFCFFFFFF == _ISATAP:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
