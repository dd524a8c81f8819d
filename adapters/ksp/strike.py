"""Strikes the reporter's name, telephone, e-mail, NIK and address out of a complaint's texts.

A complainant chooses both the name and the text. So the time must grow with their length only, whatever they hold.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

STRUCK_OUT: Final = "[disamarkan]"

MOST_CALLS: Final = 20
"""Most names, numbers and addresses of one reporter that the search takes."""
LONGEST_CALL: Final = 500
"""Most characters of a name, number or address that the search takes."""
LONGEST_TEXT: Final = 200_000
"""Most characters of a text that the search reads; the contract allows 10,000 for a complaint."""

_SHORTEST_CALL = 3
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NUMBER = re.compile(r"[\d\s()+.-]+")
_RUN = re.compile(r"\+?\d(?:[ .()-]{0,3}\d)*")
_DIGIT = re.compile(r"\d")
_TOLD_DIGITS = 8
"""Digits at a number's end that identify it, since `0` and `+62` before them mean the same."""
_BEFORE = 21
"""Most characters before the last eight digits that can belong to the number."""

_Span = tuple[int, int]


class Strike:
    """Strikes a reporter's names, numbers and addresses out of texts.

    Words match in any letter case, with any blanks between them. A number matches with any separators.

    If the calls exceed a bound, every text is struck out whole: silence must not expose anybody.

    Args:
        calls: the reporter's names, numbers and addresses.
    """

    def __init__(self, calls: Iterable[str]) -> None:
        known = [call for call in calls if call]
        self._is_bounded = len(known) <= MOST_CALLS and all(len(call) <= LONGEST_CALL for call in known)
        bounded = known if self._is_bounded else []
        self._numbers = [digits[-_TOLD_DIGITS:] for call in bounded if (digits := _read_number(call))]
        names = [_split_words(call) for call in bounded if not _read_number(call) and len(call) >= _SHORTEST_CALL]
        # Each word becomes one character, so that the search for a name is a search for a substring.
        self._codes = {word: chr(code) for code, word in enumerate(dict.fromkeys(chain(*names)), start=1)}
        self._names = [self._encode(name) for name in names]

    def out(self, text: str) -> str:
        """The text, with `STRUCK_OUT` in place of each call."""
        if not text or not (self._numbers or self._names or not self._is_bounded):
            return text
        if not self._is_bounded or len(text) > LONGEST_TEXT:
            return STRUCK_OUT
        pieces, end = [], 0
        for start, stop in _merge([*self._find_names(text), *self._find_numbers(text)]):
            pieces += [text[end:start], STRUCK_OUT]
            end = stop
        return "".join([*pieces, text[end:]])

    def _encode(self, words: Iterable[str]) -> str:
        return "".join(self._codes.get(word, "\0") for word in words)

    def _find_names(self, text: str) -> Iterator[_Span]:
        if not self._names:
            return
        spans = [found.span() for found in _TOKEN.finditer(text)]
        coded = self._encode(text[start:stop].casefold() for start, stop in spans)
        for name in self._names:
            for first in _find_places(name, coded):
                yield spans[first][0], spans[first + len(name) - 1][1]

    def _find_numbers(self, text: str) -> Iterator[_Span]:
        for run in _RUN.finditer(text) if self._numbers else ():
            digits = "".join(_DIGIT.findall(run.group()))
            wanted = [number for number in self._numbers if number in digits]
            places = [found.start() + run.start() for found in _DIGIT.finditer(run.group())] if wanted else []
            for number in wanted:
                for first in _find_places(number, digits):
                    yield max(run.start(), places[first] - _BEFORE), places[first + _TOLD_DIGITS - 1] + 1


def _split_words(call: str) -> list[str]:
    return [word.casefold() for word in _TOKEN.findall(call)]


def _read_number(call: str) -> str:
    """The digits of a call that is a number with at least eight digits; else an empty text."""
    digits = "".join(_DIGIT.findall(call))
    return digits if len(digits) >= _TOLD_DIGITS and _NUMBER.fullmatch(call) else ""


def _find_places(wanted: str, text: str) -> Iterator[int]:
    """The places of `wanted` in a text, without overlaps."""
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + len(wanted))


def _merge(spans: Sequence[_Span]) -> Iterator[_Span]:
    """The spans in order, with one span in place of spans that overlap."""
    last: _Span | None = None
    for start, stop in sorted(spans):
        if last is not None and start < last[1]:
            last = last[0], max(last[1], stop)
            continue
        if last is not None:
            yield last
        last = start, stop
    if last is not None:
        yield last
