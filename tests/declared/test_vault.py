"""The vault: what an agency repeats of a secret, in any usual form, is hidden."""

import hashlib
import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from bus.declared.vault import BoundSecret, Vault

SECRET = 'a/b+c d"é&<?>kunci~~rahasia'
PIECES = ("kunci", "rahasia")


def hide(text: str, secret: str = SECRET) -> str:
    return Vault("badan", {"kunci": BoundSecret(SecretStr(secret), frozenset())}).hide(text)


@pytest.mark.parametrize(
    "write",
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower(),
        html.escape,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
        lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        lambda text: hashlib.sha256(text.encode()).hexdigest(),
    ],
)
def test_a_secret_is_hidden_in_each_form(write: Callable[[str], str]) -> None:
    told = f"isi: {write(SECRET)}, lagi: {write(SECRET)}"
    assert hide(told).replace('"', "") == "isi: [secret], lagi: [secret]"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_base64_of_a_text_that_holds_the_secret_is_hidden(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    left = hide(encode((before + SECRET + after).encode()).decode())
    # What is left are the characters at the edges, each with some bits of the secret's first or last byte.
    assert "[secret]" in left
    assert len(left.replace("[secret]", "")) <= 4 * (len(before) + len(after)) / 3 + 6


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_secret_hides_nothing(blank: str) -> None:
    assert hide("dua kata", blank) == "dua kata"


@pytest.mark.parametrize("short", ["1", "ab", "abcde"])
def test_a_short_secret_hides_itself_and_no_text_by_chance(short: str) -> None:
    assert hide(f"<{short}>", short) == "<[secret]>"
    assert hide("yang biasa dan panjang 234567890", short).count(
        "[secret]"
    ) == "yang biasa dan panjang 234567890".count(short)
