"""The elements that an answer lacks because they were unfit, named in the answer's remark and never with their value."""

from collections.abc import Callable, Iterable
from typing import Final

_LEAD: Final = "tidak layak: "
_BREAK: Final = "; "
_AND_OTHERS: Final = "dan lainnya"
_LONGEST: Final = 200
"""Most characters of a remark, as the shipped contracts allow."""


def add_unfit(remark: str, pointers: Iterable[str]) -> str:
    """The remark, followed by the names of unfit elements.

    Args:
        remark: what the answer says already; may be empty, and may name elements already.
        pointers: JSON Pointers of the elements in the answer.
    """
    text, known = _split(remark)
    names = sorted({*known, *(pointer.lstrip("/") for pointer in pointers)})
    return _write(text, names)


def hide_unfit(remark: str, shows: Callable[[str], bool]) -> str:
    """The remark without the elements that `shows` denies; empty if nothing else is said.

    Args:
        remark: as `add_unfit` returns it.
        shows: takes an element's JSON Pointer.
    """
    text, known = _split(remark)
    return _write(text, [name for name in known if name == _AND_OTHERS or shows(f"/{name}")])


def _split(remark: str) -> tuple[str, list[str]]:
    text, lead, names = remark.rpartition(_LEAD)
    return (text.removesuffix(_BREAK), names.split(", ")) if lead else (remark, [])


def _write(text: str, names: list[str]) -> str:
    if not names:
        return text
    lead = f"{text}{_BREAK}{_LEAD}" if text else _LEAD
    named = [name for name in names if name != _AND_OTHERS]
    while len(f"{lead}{', '.join(names)}") > _LONGEST and named:
        named.pop()
        names = [*named, _AND_OTHERS]
    return f"{lead}{', '.join(names)}"
