"""Escapes for others' texts in the bus's outputs, so that a terminal, a log or a document only shows them.

A control character can move the cursor. A bidirectional character can reverse a line. A character without a width hides in a
text.
"""

import re
from typing import Final

UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""The characters of Unicode's categories Cc, Cf, Cs, Zl and Zp: controls, formats, surrogates and line separators."""
PIPE: Final = r"\|"
"""A pipe that does not end a cell of a Markdown table."""
_MARKUP: Final = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
"""Characters that begin or end markup within a line. An underscore within a word is no markup."""
_BEGINNING: Final = re.compile(r"^([0-9]*)([#+=.)-])")
"""Characters that make a heading, a list or a rule at the beginning of a line."""
_WITHIN_LINES: Final = re.compile(f"(?![\t\n]){UNSEEN.pattern}")


def is_blank(text: str) -> bool:
    """Whether nobody sees anything of a text: it is empty, or all blanks and unseen characters."""
    return not UNSEEN.sub("", text).strip()


def escape_unseen(text: str) -> str:
    """The text on one line, with an escape such as `\\x1b` for each unseen character."""
    return UNSEEN.sub(_escape, text)


def escape_unseen_in_lines(text: str) -> str:
    """The text with an escape for each unseen character. Line breaks and tabs stay."""
    return _WITHIN_LINES.sub(_escape, text)


def escape_unseen_in_json(text: bytes) -> bytes:
    """The JSON text with JSON's own escape for each unseen character. Its value stays the same."""
    if text.isascii():
        return text
    return _WITHIN_LINES.sub(_json_escape, text.decode()).encode()


def to_markdown(text: str) -> str:
    """The text as one line of Markdown that shows it. It makes no HTML, link, code or table cell."""
    plain = escape_unseen(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _BEGINNING.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", plain))


def to_markdown_code(text: str) -> str:
    """The text as a code span on one line of Markdown. It also works in a table cell."""
    line = escape_unseen(" ".join(text.split()))
    if "\\|" in line:
        # In a table, a backslash before a pipe is an escape. In a code span it is a backslash.
        return "<code>" + "".join(one if one.isalnum() else f"&#{ord(one)};" for one in line) + "</code>"
    # CommonMark: the fence has more backticks than any run in the text.
    ticks = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{ticks}{space}{line.replace('|', PIPE)}{space}{ticks}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
