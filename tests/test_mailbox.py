"""Mail addresses: one address, and nothing that is more than one."""

import pytest

from bus.mailbox import is_mailbox


@pytest.mark.parametrize("text", ["tik@bapenda.lamongan.go.id", "a.b+bus@x-y.example", "root@localhost"])
def test_an_address_is_one(text: str) -> None:
    assert is_mailbox(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tik",
        "@bapenda.example",
        "tik@",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\n",
        "Dinas <a@b.example>",
        "a..b@c.example",
        "a@-b.example",
        "a@b..example",
        '"a b"@c.example',
        "a@[127.0.0.1]",
        "=?utf-8?q?a=0D=0ABcc=3A_c?=@b.example",
        "=?utf-8?b?YUBkLmV4YW1wbGU=?=@b.example",
        "ä@b.example",
        "a@b\u202e.example",
        f"{'a' * 65}@b.example",
        f"a@{'b.' * 130}example",
    ],
)
def test_what_is_none_or_more_than_one_is_refused(text: str) -> None:
    assert not is_mailbox(text)
