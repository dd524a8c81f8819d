"""What the action log may say of texts that somebody else chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.actions.redaction import masked, plain, printable
from tests.builders import a_nik


@given(st.text())
def test_what_is_shown_can_neither_begin_a_line_nor_steer_a_terminal(text: str):
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2Ja", "\u202ea", "\x00", "\ud800", "a\u2028b"])
def test_a_control_character_is_spelled_out(text: str):
    assert printable(text) != text
    assert "\\u" in printable(text)


@pytest.mark.parametrize("around", ["{}", "/orang/{}/", "nik{}.", "{}0"])
def test_a_nik_is_hidden(around: str):
    assert a_nik(1) not in printable(around.format(a_nik(1)))


def test_a_nik_that_the_bound_cuts_is_hidden():
    assert "3524" not in printable("x" * 485 + a_nik(1))


def test_long_texts_and_arrays_have_a_bound():
    assert len(printable("x" * 100_000)) == 501
    assert plain({"a": list(range(60))}) == {"a": [*range(50), "… and 10 more"]}
    assert len(plain({f"n{n}": 1 for n in range(1000)})) == 50


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://pajak.example/hook", "https://pajak.example/hook"),
        ("https://user:rahasia@pajak.example:8443/hook", "https://pajak.example:8443/hook"),
        ("https://pajak.example/hook?token=rahasia&a=b", "https://pajak.example/hook?token=…&a=…"),
        ("https://pajak.example/hook?rahasia#rahasia", "https://pajak.example/hook?…"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("https://pajak.example:99999/", "(an address that cannot be read)"),
        ("postgresql://bus:rahasia@db.lan/bus", "postgresql://db.lan/bus"),
        ("sqlite:////var/lib/bus/bus.db", "sqlite:////var/lib/bus/bus.db"),
        ("memory://", "memory://"),
    ],
)
def test_an_address_is_shown_by_host_and_path(url: str, shown: str):
    assert masked(url) == shown


@given(st.text())
def test_no_address_is_too_strange_to_be_masked(url: str):
    assert isinstance(masked(url), str)
