"""Addresses of hosts: which are in the public internet, and which only their own network can reach.

The list is IANA's of special addresses, written down here because the standard library's answer changes with
the version of Python. If an IPv6 address carries one of IPv4, the IPv4 address decides.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_SPECIAL_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # of carriers, behind their NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; also the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""The only part of IPv6 that is assigned; the rest is special."""

_SPECIAL_6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_MAPPED, _NAT64, _SIX_TO_FOUR = (IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"))


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to one machine of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    carried = _find_carried(address)
    if carried is not None:
        return is_public(carried)
    return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)


def _find_carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which packets for this address go, if there is one."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return None
