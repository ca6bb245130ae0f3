"""Public addresses, by IANA's list, in every wrapping."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.sftp.addresses import is_public

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - a text, not bound to
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "64:ff9b:1::1",
]
WRAPPERS = ["::ffff:{}", "64:ff9b::{}", "2002:{0}::1"]


def wrap(form: str, address: IPv4Address) -> IPv6Address:
    """Return an IPv6 address that contains an IPv4 address."""
    text = str(address)
    if form.startswith("2002"):
        text = f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"
    return IPv6Address(form.format(text))


@pytest.mark.parametrize("text", PRIVATE)
def test_address_of_no_public_machine_is_told(text: str) -> None:
    """Each kind of private address is refused, in both families."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2a01:4f8::1", "2606:4700::1"]
)
def test_public_address_is_public(text: str) -> None:
    """Public addresses next to a private range are allowed."""
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4), st.sampled_from(WRAPPERS))
def test_wrapped_address_is_what_it_carries(address: IPv4Address, form: str) -> None:
    """A private address stays private in any form."""
    assert is_public(wrap(form, address)) == is_public(address)


@given(st.ip_addresses(v=4) | st.ip_addresses(network="2000::/3") | st.ip_addresses(network="2000::/14"))
def test_what_is_public_is_nothing_that_the_standard_library_calls_special(
    address: IPv4Address | IPv6Address,
) -> None:
    """Two lists by different authors agree about the refused addresses."""
    if is_public(address):
        assert address.is_global
        assert not any(
            (
                address.is_multicast,
                address.is_reserved,
                address.is_link_local,
                address.is_loopback,
                address.is_unspecified,
                address.is_private,
            )
        )


@given(st.ip_addresses(v=6))
def test_what_lies_outside_the_public_part_of_ipv6_is_refused_unless_it_carries_an_address(
    address: IPv6Address,
) -> None:
    """Reserved ranges are refused, although they may become public."""
    if is_public(address):
        assert int(address) >> 125 == 1 or int(address) >> 32 in (0xFFFF, 0x64FF9B << 64)


@pytest.mark.parametrize("text", ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_address_is_public_in_every_wrapping(text: str) -> None:
    """A machine with only IPv6 reaches IPv4 hosts through them."""
    assert is_public(ip_address(text))
