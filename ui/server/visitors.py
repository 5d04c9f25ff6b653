"""Who asks: the address that shares are counted by.

One machine has one IPv4 address but billions of IPv6 ones, so of those the network counts. What a
proxy says of a visitor is put into the scope by uvicorn, for proxies that may be believed.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any


def address_of(scope: Mapping[str, Any]) -> str:
    """Where a request comes from, as shares are counted; "address" where that is not known."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    try:
        found = ip_address(host)
    except ValueError:
        return f"address {host}".strip()
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return f"address {ip_network((int(found) >> 64 << 64, 64))}"
        found = found.ipv4_mapped
    return f"address {found}"
