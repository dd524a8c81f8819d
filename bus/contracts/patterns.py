"""The regular expressions that contracts may use: the part of ECMA-262 that a linear engine and Python read alike.

The gate matches without backtracking, so that no payload makes a pattern slow. The reference validator matches with Python's
`re`. If only one of them knows a construct, or they read it differently, the bus refuses to register it.
"""

import re
import warnings

_PYTHON_END = "$(?!\\n)"
"""An idiom of authors with Python tools, where `$` also matches before a last line feed. In JSON Schema, `$` is enough."""

_SPACE = r"\t\n\x0b\x0c\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What `\\s` means in ECMA-262."""

_TOKEN = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)|\(\?.?|\[\^?\]?|[*+?}]\+|&&|--|~~|\|\||.", re.DOTALL)
_LETTER_ESCAPES = frozenset("dDwWnrtfv")


class PatternUnsupported(Exception):
    """A construct outside the part of ECMA-262 that contracts may use; the message names it."""


def plain(pattern: str) -> str:
    """The pattern without the idiom `$(?!\\n)`, which JSON Schema does not need."""
    return pattern.replace(_PYTHON_END, "$")


def translate_for_python(pattern: str) -> str:
    """The same expression for Python's `re`.

    Raises:
        PatternUnsupported: the pattern uses what contracts may not.
    """
    written: list[str] = []
    in_class = False
    for piece in _TOKEN.findall(pattern):
        written.append(_translate(piece, in_class))
        in_class = piece != "]" if in_class else piece.startswith("[")
    python = f"(?a:{''.join(written)})"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(python)
        except (re.error, FutureWarning, OverflowError, RecursionError) as error:
            raise PatternUnsupported("it is not a regular expression") from error
    return python


def _translate(piece: str, in_class: bool) -> str:
    if piece.startswith("\\"):
        return _escape(piece, in_class)
    if in_class:
        if piece.startswith("[") or piece in {"&&", "--", "~~", "||"}:
            raise PatternUnsupported(f"{piece!r} inside a character class; escape it")
        return piece
    if piece == "$":
        return r"\Z"
    if piece.startswith("(?") and piece != "(?:":
        raise PatternUnsupported("groups other than (…) and (?:…)")
    if len(piece) == 2 and piece.endswith("+") and piece[0] in "*+?}":
        raise PatternUnsupported("a quantifier after a quantifier")
    if piece in {"[]", "[^]"}:
        raise PatternUnsupported("an empty character class")
    return piece


def _escape(piece: str, in_class: bool) -> str:
    if piece == r"\s":
        return _SPACE if in_class else f"[{_SPACE}]"
    if piece == r"\S" and not in_class:
        return f"[^{_SPACE}]"
    if len(piece) == 2 and piece[1].isalnum() and piece[1] not in _LETTER_ESCAPES:
        raise PatternUnsupported(f"the escape {piece}")
    if len(piece) == 2 and not piece[1].isascii():
        raise PatternUnsupported("an escaped letter that needs no escape")
    return piece
