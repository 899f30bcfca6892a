"""Whose a network address is, for limits that count by address."""

import ipaddress


def household(address: str | None) -> str:
    """The part of an address that one caller cannot change at will; "unknown" without an address.

    In IPv6 that is a /64: so much is given to one household (RFC 6177), and each device in it
    chooses the rest anew every day (RFC 8981). An IPv4 address that a socket for both shows as
    IPv6 is that IPv4 address (RFC 4291, 2.5.5.2).
    """
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> 64 << 64))
