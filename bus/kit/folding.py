"""Folding: agencies' JSON without differences of letter case and padding."""

from typing import Any


def fold(value: Any) -> Any:
    """A JSON value with keys in lower case, and without blanks around keys and strings, at every depth.

    Installations of one agency's system differ in letter case and in trailing blanks.
    """
    match value:
        case dict():
            return {str(key).strip().lower(): fold(item) for key, item in value.items()}
        case list():
            return [fold(item) for item in value]
        case str():
            return value.strip()
        case _:
            return value
