"""Texts in cells of a spreadsheet, so that no program runs them as formulas."""

import re
from typing import Final

from bus.texts import UNSEEN

_SIGNS: Final = r"[=+@\-\u2212\uff1d\uff0b\uff0d\uff20]"
_PASSED_OVER: Final = rf"(?:[\s\"'\u115f\u1160\u2800\u3164\uffa0]|{UNSEEN.pattern})*"
_FORMULA: Final = re.compile(rf"[\t\r\n]|{_PASSED_OVER}{_SIGNS}")
"""Beginnings of cells that a spreadsheet takes for a formula (OWASP, "CSV Injection"). Full-width signs count in some locales.
Programs first skip blanks, quotes and invisible characters."""
_INNER: Final = re.compile(rf"[;\t\r\n]{_PASSED_OVER}(?=[=@\uff1d\uff20]|{_SIGNS}[^\s\d])")
"""A formula inside a text: Excel in Indonesian separates cells by semicolons, and then ignores quotes."""


def make_harmless(text: str) -> str:
    """The text of a cell, with an apostrophe before each place where a spreadsheet could read a formula."""
    within = _INNER.sub(r"\g<0>'", text)
    return f"'{within}" if _FORMULA.match(text) else within
