"""Texts of others in our own outputs: a terminal, a log or a JSON document shows them and does nothing else with them.

A control character moves the cursor, a bidirectional one turns a line around, and one without a width hides between others.
"""

import re
from typing import Final

UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""Characters that Unicode calls controls, formats, surrogates and separators of lines (Cc, Cf, Cs, Zl, Zp)."""
PIPE: Final = r"\|"
"""A pipe that does not end its cell."""
_MARKUP: Final = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
"""What begins or ends markup within a line; an underscore within a word does not."""
_BEGINNING: Final = re.compile(r"^([0-9]*)([#+=.)-])")
"""What makes a heading, a list or a rule of a line that it begins."""
_WITHIN_LINES: Final = re.compile(f"(?![\t\n]){UNSEEN.pattern}")


def escape_unseen(text: str) -> str:
    """The text on one line, with an escape such as `\\x1b` for each character that is not seen."""
    return UNSEEN.sub(_escape, text)


def escape_unseen_in_lines(text: str) -> str:
    """A text of several lines, with an escape for each other character that is not seen."""
    return _WITHIN_LINES.sub(_escape, text)


def escape_unseen_in_json(text: bytes) -> bytes:
    """The same JSON, with JSON's own escape for each character that is not seen."""
    if text.isascii():
        return text
    return _WITHIN_LINES.sub(_json_escape, text.decode()).encode()


def to_markdown(text: str) -> str:
    """The text on one line of Markdown, without markup of its own: no HTML, no link, no code, no cell of a table."""
    plain = escape_unseen(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _BEGINNING.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", plain))


def to_markdown_code(text: str) -> str:
    """A code span on one line of Markdown, also within a cell of a table."""
    line = escape_unseen(" ".join(text.split()))
    if "\\|" in line:
        # A table takes a backslash before a pipe for an escape of its own, where a code span has none.
        return "<code>" + "".join(one if one.isalnum() else f"&#{ord(one)};" for one in line) + "</code>"
    # CommonMark wants more backticks around it than stand in it.
    ticks = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return f"{ticks}{space}{line.replace('|', PIPE)}{space}{ticks}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
