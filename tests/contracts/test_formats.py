"""URIs, part by part, as RFC 3986 has them."""

import pytest

from bus.contracts.formats import is_uri, is_uri_reference


@pytest.mark.parametrize(
    "text",
    [
        "https://satudata.lamongankab.go.id/a/b?c=d&e=/?#f/?",
        "urn:example:a:b",
        "a:",
        "http://",
        "file:///a//b",
        "http://petugas:rahasia@contoh.example:8080/",
        "http://contoh.example:/",
        "http://[2001:db8::1]:80/a",
        "http://[::1.2.3.4]",
        "http://[1:2:3:4:5:6:7::]",
        "http://[v1.a:b]",
        "http://999.1.1.1",
        "mailto:a@b.example",
        "http://a/%2F%c3%a9",
        "http://a/'(b)*+,;=!$&~",
    ],
)
def test_a_uri_is_a_reference_too(text: str) -> None:
    assert is_uri(text)
    assert is_uri_reference(text)


@pytest.mark.parametrize("text", ["", "/a", "//contoh.example/a", "a/b:c", "./a:b", "?c", "#d", "../.."])
def test_a_relative_reference_is_no_uri(text: str) -> None:
    assert is_uri_reference(text)
    assert not is_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "1a:b",
        ":a",
        "a b",
        "http://a/é",
        "http://a/%zz",
        "http://a/%2",
        "http://a\n",
        "http://a/\n",
        "http://a#b#c",
        "http://a@b@c",
        "http://a:8o/",
        "http://a[b]",
        "http://[::1",
        "http://::1/",
        "http://[fe80::1%25eth0]",
        "http://[1:2:3]",
        "http://[::01.2.3.4]",
        "http://[::ffff:01.2.3.4]",
        "http://[v.a]",
        "http://a/[b]",
        "http://a/\\b",
        "http://a/{b}",
        "http://٣/",
    ],
)
def test_what_breaks_one_rule_is_neither(text: str) -> None:
    assert not is_uri(text)
    assert not is_uri_reference(text)
