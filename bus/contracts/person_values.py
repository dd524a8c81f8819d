"""Judges a schema by the values that it accepts: whether it is made for identifiers of persons.

Such a schema accepts identifiers. It refuses nearly all texts that differ from one in a single character. It refuses numbers of
nearly all other lengths. A schema for general texts, codes or amounts accepts those too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random
from typing import Any, Final

from bus import json, shipped
from bus.contracts.effort import count_states
from bus.contracts.schemas import Schema, subschemas
from bus.contracts.validation import SchemaUnusable, Validator
from bus.problem import Unavailable

DEFINITIONS: Final = ("nik", "nomor-kk")

_COMMON: Final = shipped.SCHEMAS / "common"
_PATTERN: Final = b'"pattern"'
_TELLING: Final = (_PATTERN, b'"enum"', b'"const"', b'inimum"', b'aximum"')
"""Keywords that can tell an identifier from other values. A schema without any of them cannot."""
_FIGURES: Final = 16
_OLD_TAX_NUMBER: Final = 15
_LENGTHS: Final = (*range(1, _FIGURES), *range(_FIGURES + 1, 33))
_MOST_LENGTHS: Final = 3
"""Other lengths of numbers that a field for identifiers may accept."""
_MOST_NEAR: Final = 0.25
"""Share of texts with one wrong character that a field for identifiers may accept."""
_FEWEST: Final = 3
"""Samples that a field for identifiers must accept: only a few, since the field may be for one kecamatan."""
_MOST_STATES: Final = 5_000
"""States of patterns that are tried with every sample. Larger patterns are tried with fewer samples."""
_NEARLY: Final = ("abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ", "-", ".", "/", " ")
_SPELLINGS: Final = ((), *((groups, mark) for groups in ((6, 6), (4, 4, 4)) for mark in " -."))
"""Spellings of the number: plain, or in groups with a separator."""
_PROVINCES: Final = (11, 12, 13, 14, 16, 18, 31, 32, 33, 34, 35, 36, 51, 52, 61, 64, 71, 73, 81, 91)
_KECAMATAN: Final = 27
_WOMAN: Final = 40
"""A woman's NIK holds her day of birth plus this number."""
_OF_EACH: Final = 4
_SEED: Final = 3524


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a schema is made for.

    Attributes:
        definition: the shared definition (`nik`, `nomor-kk`) that the schema is made for; None: for neither.
        takes_all: the shared definitions whose samples it all accepts as text; empty if it is made for neither.
        takes_old_tax_numbers: it accepts numbers of 15 digits too.
    """

    definition: str | None = None
    takes_all: frozenset[str] = frozenset()
    takes_old_tax_numbers: bool = False


@lru_cache(maxsize=4096)
def judge(schema: bytes) -> Judgement:
    """What a schema is made for.

    Args:
        schema: a schema for texts and numbers, as canonical JSON; see `scalars.scalar_schema`.
    """
    # Most schemas have no such keyword, and need no validator.
    if not any(keyword in schema for keyword in _TELLING):
        return Judgement()
    value = json.loads(schema)
    takes = _make_taker(value)
    if takes is None:
        return Judgement()
    # For large patterns, fewer samples.
    step = 1 + sum(count_states(pattern) for pattern in _list_patterns(value)) // _MOST_STATES
    taken = _Taken(takes, _make_samples()[::step], step, is_text=_PATTERN in schema)
    if not (_lists_identifiers(value) or taken.is_made_for()):
        return Judgement()
    texts = set(taken.plain)
    wholes = frozenset(name for name in DEFINITIONS if texts.issuperset(_pick_samples(name, _make_samples()[::step])))
    return Judgement(_pick_likeliest(taken), wholes, takes("1" * _OLD_TAX_NUMBER))


@lru_cache(maxsize=4096)
def may_hold(schema: bytes) -> bool:
    """Whether a schema accepts identifiers as text or as integers, whatever else it accepts; see `judge`."""
    takes = _make_taker(json.loads(schema))
    return takes is not None and any(
        takes(int(sample)) or any(takes(_spell(sample, spelling)) for spelling in _SPELLINGS)
        for sample in _make_samples()
    )


def _make_taker(schema: Any) -> Callable[[Any], bool] | None:
    # The gate's validator takes linear time for any pattern, so no pattern keeps the bus busy.
    try:
        return Validator(schema).is_valid
    except SchemaUnusable:
        return None


def _pick_likeliest(taken: "_Taken") -> str:
    """The definition with the largest share of accepted samples: family card numbers have no women's days."""
    shares = {name: taken.share(_pick_samples(name, taken.samples)) for name in DEFINITIONS}
    return max(DEFINITIONS, key=lambda name: shares[name])


class _Taken:
    """The sample identifiers that a schema accepts, and the values near them."""

    def __init__(self, takes: Callable[[Any], bool], samples: tuple[str, ...], step: int, *, is_text: bool) -> None:
        """Try each sample.

        Args:
            takes: whether the schema accepts a value.
            samples: identifiers as plain text.
            step: distance between samples that are tried; 1: every sample.
            is_text: the schema has a pattern. Without one it accepts texts of any kind.
        """
        self.samples = samples
        self._takes = takes
        self._step = step
        spellings = _SPELLINGS if is_text else ()
        self._texts = [(way, [one for one in samples if takes(_spell(one, way))]) for way in spellings]
        self._numbers = [number for number in map(int, samples) if takes(number)]

    @property
    def plain(self) -> list[str]:
        """The samples that the schema accepts as plain text."""
        return self._texts[0][1] if self._texts else []

    def share(self, samples: Sequence[str]) -> float:
        """The share of some samples that the schema accepts, in the spelling with the largest share."""
        forms = [set(map(str, self._numbers)), *(set(texts) for _, texts in self._texts)]
        return max(sum(one in form for one in samples) for form in forms) / len(samples)

    def is_made_for(self) -> bool:
        """Whether the schema accepts identifiers, and refuses nearly all values that are like them."""
        if len(self._numbers) >= _FEWEST and self._refuses_numbers():
            return True
        return any(
            len(texts) >= _FEWEST and self._refuses_near(texts, spelling) and self._refuses_lengths(texts, spelling)
            for spelling, texts in self._texts
        )

    def _refuses_near(self, samples: list[str], spelling: Any) -> bool:
        """Whether one wrong character is refused, at any place of the number and of any kind."""
        for letters in _NEARLY:
            near = [_spell(text, spelling) for text in _make_near(samples, letters)]
            if sum(map(self._takes, near)) > _MOST_NEAR * len(near):
                return False
        return True

    def _refuses_lengths(self, samples: list[str], spelling: Any) -> bool:
        """Whether numbers of nearly all other lengths are refused."""
        heads = samples[:: 1 + len(samples) // 3]
        found = sum(
            any(self._is_number(_spell((head * 2)[:length], spelling)) for head in heads)
            for length in _LENGTHS[:: self._step]
        )
        return found * self._step <= _MOST_LENGTHS

    def _is_number(self, text: str) -> bool:
        """Whether the schema accepts a text as a number: with a letter in it, the text would be refused."""
        return self._takes(text) and not any(self._takes(letter + text[1:]) for letter in "gG")

    def _refuses_numbers(self) -> bool:
        """Whether integers with fewer digits are refused. Integers with more digits are no amounts either."""
        found = sum(any(map(self._takes, numbers)) for numbers in _make_shorter())
        return found <= _MOST_LENGTHS


def _make_near(samples: list[str], letters: str) -> Iterator[str]:
    """The samples with one wrong character: each place of the number, with each group of letters in turn."""
    most = 3 * _FIGURES
    for index in range(most):
        text, place = samples[index % len(samples)], index % _FIGURES
        letter = letters[(index + index // _FIGURES) % len(letters)]
        yield text[:place] + letter + text[place + 1 :]


def _spell(text: str, spelling: Any) -> str:
    if not spelling:
        return text
    sizes, mark = spelling
    parts = []
    for size in sizes:
        parts.append(text[:size])
        text = text[size:]
    return str(mark.join([*parts, text]))


@cache
def _make_shorter() -> tuple[tuple[int, ...], ...]:
    """Integers with fewer digits than an identifier, of each length; some are round, as amounts are."""
    random = Random(_SEED)  # noqa: S311 - samples, the same each time
    return tuple(
        (
            10 ** (length - 1),
            5 * 10 ** (length - 1),
            *(random.randrange(10 ** (length - 1), 10**length) for _ in range(40)),
        )
        for length in range(1, _FIGURES)
    )


@cache
def _make_samples() -> tuple[str, ...]:
    """Made-up identifiers, the same each time: of each kecamatan of Lamongan, and of other provinces."""
    random = Random(_SEED)  # noqa: S311 - samples, the same each time
    regions = [f"3524{number:02}" for number in range(1, _KECAMATAN + 1) for _ in range(_OF_EACH)]
    regions += [f"{province}{random.randrange(11, 80)}{random.randrange(1, 30):02}" for province in _PROVINCES]
    made = []
    for index, region in enumerate(regions):
        day = random.randrange(1, 29) + _WOMAN * (index % 2)
        date = f"{day:02}{random.randrange(1, 13):02}{random.randrange(100):02}"
        made.append(f"{region}{date}{random.randrange(1, 10_000):04}")
    # Shuffled, so that the few samples for a large pattern are of all kinds.
    random.shuffle(made)
    return tuple(made)


def _pick_samples(definition: str, samples: Sequence[str]) -> list[str]:
    """The samples that are identifiers of a definition."""
    return [one for one in samples if definition == "nik" or int(one[6:8]) < _WOMAN]


def _lists_identifiers(schema: Schema) -> bool:
    """Whether at least half of the values that a schema lists are identifiers."""
    lists: Iterable[list[Any]] = (
        one["enum"] if "enum" in one else [one["const"]]
        for _, one in subschemas(schema)
        if {"enum", "const"} & one.keys()
    )
    return any(2 * sum(map(_is_identifier, values)) >= len(values) > 0 for values in lists)


def _is_identifier(value: Any) -> bool:
    text = str(value) if isinstance(value, int) else value
    return isinstance(text, str) and len(text) == _FIGURES and any(one.is_valid(text) for one in _load_definitions())


@cache
def _load_definitions() -> tuple[Validator, ...]:
    return tuple(Validator(_load_definition(name)) for name in DEFINITIONS)


@cache
def _load_definition(definition: str) -> Schema:
    try:
        schema: Schema = json.loads((_COMMON / f"{definition}.schema.json").read_bytes())
    except OSError as error:
        raise Unavailable(f"The installation lacks schemas/common/{definition}; install the bus again.") from error
    return schema


def _list_patterns(schema: Schema) -> Iterator[str]:
    return (one["pattern"] for _, one in subschemas(schema) if isinstance(one.get("pattern"), str))
