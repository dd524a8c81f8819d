import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.address import (
    Lookup,
    SinkAddressRefused,
    check_url,
    parse,
)
from bus.networks import Address, Network, is_forbidden, may_connect

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
OFFICE = (ipaddress.ip_network("10.24.0.0/16"), ipaddress.ip_network("fd24::/16"))


def dns(*addresses: str) -> Lookup:
    """A resolver that answers any name with these."""

    async def resolve(host: str) -> Sequence[Address]:
        return [ipaddress.ip_address(address) for address in addresses]

    return resolve


async def refusal(url: str, *addresses: str, allowed: Sequence[Network] = (), hosts: Sequence[str] = ()) -> str | None:
    """Why a URL is refused, None when it is not."""
    try:
        await check_url(url, allowed, dns(*addresses), hosts=hosts)
    except SinkAddressRefused as error:
        return error.detail
    return None


FORBIDDEN = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "223.255.255.254",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2001:4860:4860::8888",
    "2400:cb00::1",
    "2606:4700::1111",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_special_addresses_are_forbidden(address: str):
    assert is_forbidden(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address: str):
    assert not is_forbidden(ipaddress.ip_address(address), ())


@given(st.ip_addresses())
def test_what_python_knows_as_not_global_is_forbidden_too(address: Address):
    assert address.is_global or is_forbidden(address, ()) or str(address).startswith("64:ff9b::")


@pytest.mark.parametrize("address", ["10.24.3.4", "::ffff:10.24.3.4", "fd24::1"])
def test_a_network_that_the_operator_allows_is_open(address: str):
    assert may_connect(ipaddress.ip_address(address), OFFICE, plain=True)


def test_plain_http_reaches_only_the_allowed_networks():
    assert not may_connect(ipaddress.ip_address("8.8.8.8"), OFFICE, plain=True)
    assert not may_connect(ipaddress.ip_address("10.25.0.1"), OFFICE, plain=True)


PRIVATE_V4 = st.sampled_from(
    ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/8"]
).flatmap(lambda network: st.ip_addresses(network=network))

FORMS: dict[str, Callable[[ipaddress.IPv4Address], str]] = {
    "dotted": str,
    "decimal": lambda ip: str(int(ip)),
    "hex": lambda ip: f"0x{int(ip):x}",
    "upper hex": lambda ip: f"0X{int(ip):X}",
    "octal": lambda ip: f"0{int(ip):o}",
    "hex octets": lambda ip: ".".join(f"0x{octet:02x}" for octet in ip.packed),
    "octal octets": lambda ip: ".".join(f"0{octet:o}" for octet in ip.packed),
    "mixed octets": lambda ip: f"{ip.packed[0]}.0x{ip.packed[1]:x}.{int.from_bytes(ip.packed[2:], 'big')}",
    "two parts": lambda ip: f"{ip.packed[0]}.{int.from_bytes(ip.packed[1:], 'big')}",
    "trailing dot": lambda ip: f"{ip}.",
    "full width": lambda ip: str(ip).translate({ord("0") + digit: chr(ord("０") + digit) for digit in range(10)}),
    "ideographic dots": lambda ip: str(ip).replace(".", "。"),
    "mapped": lambda ip: f"[::ffff:{ip}]",
    "mapped hex": lambda ip: f"[0:0:0:0:0:FFFF:{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}]",
    "compatible": lambda ip: f"[::{ip}]",
    "translated": lambda ip: f"[::ffff:0:{ip}]",
    "nat64": lambda ip: f"[64:ff9b::{ip}]",
    "6to4": lambda ip: f"[2002:{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}::]",
}


@pytest.mark.parametrize("form", FORMS)
@given(address=PRIVATE_V4)
async def test_a_private_address_is_refused_in_whatever_form(form: str, address: ipaddress.IPv4Address):
    for scheme in ("https", "http"):
        assert await refusal(f"{scheme}://{FORMS[form](address)}/hook", "8.8.8.8") is not None


@given(
    st.sampled_from(["fc00::/7", "fe80::/10", "ff00::/8", "::/96"]).flatmap(lambda net: st.ip_addresses(network=net))
)
async def test_a_local_ipv6_address_is_refused_long_or_short(address: ipaddress.IPv6Address):
    for form in (address.compressed, address.exploded, address.exploded.upper()):
        assert await refusal(f"https://[{form}]/hook") is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://app.lamongan.example/hook",
        "https://app.lamongan.example:8443/hook?token=x&y=%2B",
        "HTTPS://APP.Lamongan.example./",
        "https://desa-2001_siak.example",
        "https://büro.example/hook",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]:8443/hook",
    ],
)
async def test_a_public_https_address_is_let_in(url: str):
    assert await refusal(url, "8.8.8.8") is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://app.example/hook", "begins with https://"),
        ("http://8.8.8.8/hook", "begins with https://"),
        ("ftp://app.example/hook", "not an absolute https:// URL"),
        ("file:///etc/passwd", "not an absolute https:// URL"),
        ("//app.example/hook", "not an absolute https:// URL"),
        ("/hook", "not an absolute https:// URL"),
        ("https:///hook", "not"),
        ("", "not an absolute https:// URL"),
        ("https://user:pass@app.example/", "credentials"),
        ("https://user@app.example/", "credentials"),
        ("https://127.0.0.1@app.example/", "credentials"),
        ("https://app.example/#part", "fragment"),
        ("https://app.example/#", "fragment"),
        ("https://app.example:0/", "port"),
        ("https://app.example:22/", "port"),
        ("https://app.example:25/", "port"),
        ("https://app.example:99999/", "not a URL"),
        ("https://app.example:x/", "not a URL"),
        ("https://app.example /", "blanks"),
        ("https://app.exam\nple/", "control characters"),
        ("https://app.example/\r\nx: y", "control characters"),
        ("https://app.example\\@10.0.0.1/", "backslashes"),
        ("https://app..example/", "not a host name"),
        ("https://-app.example/", "not a host name"),
        ("https://app%00.example/", "not a"),
        (f"https://{'a' * 64}.example/", "not a"),
        ("https://xn--/", "not a URL"),
        ("https://app.xn--0.example/", "not a URL"),
        ("https://XN--example-/", "not a URL"),
        ("https://app.example:+8443/", "as in a URL"),
        ("https://app.example:８４４３/", "as in a URL"),
        ("https://app.example:/", "as in a URL"),
        ("https://[v1.a]/", "as in a URL"),
        ("https://[fe80::1%25eth0]/", "without a zone"),
        ("https://[::1", "not a URL"),
        ("https://app.example/" + "x" * 2048, "longer than 2048"),
        ("https://1.2.3/", "four decimal numbers"),
        ("https://256.1.1.1/", "four decimal numbers"),
        ("https://0x7f.1/", "four decimal numbers"),
        ("https://localhost/", "private or special"),
        ("https://LOCALHOST.:8443/", "private or special"),
        ("https://metadata.localhost/", "private or special"),
    ],
)
async def test_what_is_not_a_plain_public_https_address_is_refused_with_the_reason(url: str, reason: str):
    assert reason in (await refusal(url, "8.8.8.8") or "it was let in")


async def test_a_name_of_a_private_address_is_refused():
    assert "private or special" in (await refusal("https://intern.example/", "10.1.1.1", "fd00::1") or "")


async def test_a_name_with_one_public_address_is_let_in_since_only_that_one_is_connected_to():
    assert await refusal("https://dual.example/", "10.1.1.1", "8.8.8.8") is None


async def test_a_name_that_does_not_resolve_yet_is_let_in_with_https_alone():
    assert await refusal("https://soon.example/") is None
    assert await refusal("http://soon.example/", allowed=OFFICE) is not None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "http://localhost:8080/hook", "https://127.9.9.9/hook"])
async def test_in_an_allowed_network_a_sink_may_be_private_and_plain(url: str):
    assert await refusal(url, allowed=LOOPBACK) is None


async def test_a_name_in_an_allowed_network_may_be_plain():
    assert await refusal("http://simpeg.intern.example/hook", "10.24.1.1", allowed=OFFICE) is None


LISTED = ("bapenda.example", "*.lamongan.go.id", "8.8.4.4")


@pytest.mark.parametrize(
    "host", ["bapenda.example", "BAPENDA.example.", "app.lamongan.go.id", "a.b.lamongan.go.id", "8.8.4.4"]
)
async def test_a_host_on_the_operators_list_is_let_in(host: str):
    assert await refusal(f"https://{host}/hook", "8.8.8.8", hosts=LISTED) is None


@pytest.mark.parametrize(
    "host",
    [
        "app.bapenda.example",
        "lamongan.go.id",
        "xlamongan.go.id",
        ".lamongan.go.id",
        "lamongan.go.id.example",
        "bapenda.example.org",
        "bapendaxexample",
        "8.8.8.8",
        "[2606:4700::1111]",
    ],
)
async def test_a_host_that_is_not_on_the_operators_list_is_refused(host: str):
    assert await refusal(f"https://{host}/hook", "8.8.8.8", hosts=LISTED) is not None


async def test_a_listed_host_is_refused_at_a_private_address_all_the_same():
    assert "private or special" in (await refusal("https://bapenda.example/", "10.1.1.1", hosts=LISTED) or "")


@given(st.text(max_size=60))
async def test_no_text_breaks_the_check(text: str):
    for url in (text, f"https://{text}", f"https://{text}/hook", f"https://app.example:{text}/"):
        with suppress(SinkAddressRefused):
            assert parse(url).host
