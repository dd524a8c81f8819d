"""Mail addresses: which texts are one, so that no text can be more than one recipient or more than one header."""

import re
from typing import Final

LONGEST: Final = 254
"""Characters of an address (RFC 5321, 4.5.3.1.3, without its angle brackets)."""
PATTERN: Final = (
    r"^[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)
"""RFC 5322's dot-atom, an @, and a host name. Quoted local parts and addresses in brackets are left out.

So is the question mark: between `=?` and `?=`, mail programs read other characters (RFC 2047), such as a line break.
"""
_LONGEST_LOCAL: Final = 64
_MAILBOX: Final = re.compile(PATTERN.removesuffix("$"))


def is_mailbox(text: str) -> bool:
    """Whether a text is one mail address, such as `tik@bapenda.lamongan.go.id`."""
    if len(text) > LONGEST or len(text.partition("@")[0]) > _LONGEST_LOCAL:
        return False
    return _MAILBOX.fullmatch(text) is not None
