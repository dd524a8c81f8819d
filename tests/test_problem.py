"""Refusals: what all of them promise their callers."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import bus
from bus.problem import Refused


def _kinds(kind: type[Refused] = Refused) -> Iterator[type[Refused]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _kinds(inner)


def test_who_may_ask_again_is_told_when() -> None:
    for module in pkgutil.walk_packages(bus.__path__, "bus."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    passing = [kind for kind in _kinds() if kind.status in (429, 503)]
    assert len(passing) > 8
    for kind in passing:
        assert int(_make(kind).headers["Retry-After"]) >= 1, kind


def test_who_may_not_ask_again_is_not_invited_to() -> None:
    class Never(Refused):
        """No."""

        status = 409

    assert Never("no").headers == {}


def test_a_refusal_that_knows_better_says_when() -> None:
    class Later(Refused):
        """Not now."""

        status = 503

    assert Later("not now").headers == {"Retry-After": "5"}
    assert Later("not now", headers={"Retry-After": "60"}).headers == {"Retry-After": "60"}


def _make(kind: type[Refused]) -> Any:
    """A refusal as its room makes it, by the base's constructor where its own asks for more."""
    refusal = kind.__new__(kind)
    Refused.__init__(refusal, "why")
    return refusal
