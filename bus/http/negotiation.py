"""Proactive negotiation (RFC 9110, section 12.5): the form and the coding of an answer that a client prefers.

A form is chosen by weight, then by how closely the client names it, then by the client's order. A malformed element of a
header counts as absent.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from bus.problem import Refused

IDENTITY: Final = "identity"
GZIP: Final = "gzip"
ZSTD: Final = "zstd"

_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LONGEST_KEPT: Final = 256
"""Characters of a header whose choice is kept. Clients send short ones, and what is kept must be bounded in bytes."""
_UTF_8: Final = ("charset", "utf-8")
"""Every text of the bus is UTF-8, also where its media type has no such parameter."""


class NotAcceptable(Refused):
    """The answer has no form that your Accept header takes."""

    status = 406
    slug = "not-acceptable"


class CodingNotAcceptable(NotAcceptable):
    """The answer has no content coding that your Accept-Encoding header takes."""


class Coding(NamedTuple):
    """A content coding (RFC 9110, section 8.4.1).

    Attributes:
        name: `identity`, `gzip` or `zstd`.
        is_must: whether the client refuses an answer without a coding, however short.
    """

    name: str
    is_must: bool = False


class _Range(NamedTuple):
    kind: str
    subtype: str
    parameters: frozenset[tuple[str, str]]
    weight: float


class _Rating(NamedTuple):
    """How well a form suits; the larger, the better."""

    weight: float
    closeness: int
    order: int


PLAIN: Final = Coding(IDENTITY)


def choose_form(accept: str, forms: Sequence[str]) -> str | None:
    """The media type that suits an Accept header best; None if none does.

    Args:
        forms: media types of the answer, the usual one first.
    """
    if not accept or accept == "*/*":
        return forms[0]
    choose = _choose_form_once if len(accept) <= _LONGEST_KEPT else _choose_form
    return choose(accept, tuple(forms))


def require_form(accept: str, forms: Sequence[str]) -> str:
    """The media type that suits an Accept header best.

    Raises:
        NotAcceptable: none does.
    """
    form = choose_form(accept, forms)
    if form is None:
        raise NotAcceptable(f"This answer comes as {' or '.join(forms)}.", available=list(forms))
    return form


def choose_coding(accept_encoding: str | None) -> Coding:
    """The content coding that suits an Accept-Encoding header best; None for the header: the client sent none.

    Raises:
        CodingNotAcceptable: the client refuses every one of them.
    """
    if not accept_encoding:
        return PLAIN
    choose = _choose_coding_once if len(accept_encoding) <= _LONGEST_KEPT else _choose_coding
    coding = choose(accept_encoding)
    if coding is None:
        raise CodingNotAcceptable("Answers come as identity, gzip or zstd.", available=[IDENTITY, GZIP, ZSTD])
    return coding


def _choose_form(accept: str, forms: tuple[str, ...]) -> str | None:
    ranges = list(_read_ranges(accept))
    if not ranges:
        return forms[0]
    rated = [(rating, form) for form in forms if (rating := _rate(form, ranges)) is not None and rating.weight > 0]
    # The first of equals, so that the usual form comes before others.
    return max(rated, key=lambda one: one[0])[1] if rated else None


_choose_form_once = lru_cache(1024)(_choose_form)


def _rate(form: str, ranges: Sequence[_Range]) -> _Rating | None:
    """How well a form suits by the range that names it most closely (section 12.5.1); None if no range does."""
    kind, subtype, parameters = _read_media_type(form)
    found: _Rating | None = None
    for order, one in enumerate(ranges):
        if not _covers(one, kind, subtype, parameters | {_UTF_8}):
            continue
        closeness = (one.kind != "*") + (one.subtype != "*") + len(one.parameters)
        if found is None or closeness > found.closeness:
            found = _Rating(one.weight, closeness, -order)
    return found


def _covers(one: _Range, kind: str, subtype: str, parameters: frozenset[tuple[str, str]]) -> bool:
    is_named = one.kind in ("*", kind) and one.subtype in ("*", subtype)
    return is_named and one.parameters <= parameters


def _read_ranges(accept: str) -> Iterator[_Range]:
    for element in accept.split(","):
        named, weight = _split_weight(element)
        kind, subtype, parameters = _read_media_type(named)
        is_range = _TOKEN.fullmatch(kind) and _TOKEN.fullmatch(subtype) and (kind != "*" or subtype == "*")
        if is_range and weight is not None:
            yield _Range(kind, subtype, parameters, weight)


def _read_media_type(text: str) -> tuple[str, str, frozenset[tuple[str, str]]]:
    name, *parameters = text.lower().split(";")
    kind, _, subtype = name.strip().partition("/")
    pairs = (parameter.partition("=") for parameter in parameters if parameter.strip())
    return kind, subtype, frozenset((name.strip(), value.strip().strip('"')) for name, _, value in pairs)


def _split_weight(element: str) -> tuple[str, float | None]:
    """An element without its weight, and the weight (section 12.4.2), which is 1 if absent and None if malformed."""
    named, *parameters = element.split(";")
    kept, weight = [named], "1"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            weight = value.strip()
        else:
            kept.append(parameter)
    return ";".join(kept), float(weight) if _WEIGHT.fullmatch(weight) else None


def _choose_coding(accept_encoding: str) -> Coding | None:
    weights = _read_codings(accept_encoding)
    # Without a word of it, an answer in no coding is welcome, and every named coding more so (section 12.5.3).
    others = weights.get("*")
    plain = weights.get(IDENTITY, 0.0 if others == 0 else 0.0001)
    offers = (
        # `*` takes any coding by its letter. Who sends it knows gzip.
        (weights.get(ZSTD, 0.0), ZSTD),
        (weights.get(GZIP, others or 0.0), GZIP),
        (plain, IDENTITY),
    )
    weight, name = max(offers, key=lambda offer: offer[0])
    return Coding(name, is_must=plain == 0) if weight > 0 else None


_choose_coding_once = lru_cache(1024)(_choose_coding)


def _read_codings(accept_encoding: str) -> dict[str, float]:
    """The weight of each coding that is named."""
    found: dict[str, float] = {}
    for element in accept_encoding.lower().split(","):
        named, weight = _split_weight(element)
        name = named.partition(";")[0].strip()
        if weight is not None and _TOKEN.fullmatch(name):
            # RFC 9110, section 8.4.1.3: an older name of gzip.
            found[GZIP if name == "x-gzip" else name] = weight
    return found
