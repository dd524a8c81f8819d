"""Compares the terms of contracts beside their schemas: producers, classification, sizes, order."""

from collections.abc import Callable, Iterator
from typing import Any

from bus.contracts.compatibility.report import Finding, Rule, Side, Verdict
from bus.contracts.document import Classification, Contract

_WORDS = frozenset({"version", "title", "description", "examples", "schema", "request", "answer"})
_PROTECTION = list(Classification)
"""Classifications from the weakest protection to the strongest."""


def term_findings(new: Contract, old: Contract) -> Iterator[Finding]:
    """The terms beside its schemas that a new version takes back."""
    for rule, pointer, side, judge in _RULES:
        if said := judge(new, old):
            yield Finding(rule, pointer, pointer, old.version, side, said, Verdict.INCOMPATIBLE)


def differs_beyond_words(new: Contract, old: Contract) -> bool:
    """Whether the contracts differ in more than schemas and texts for people."""
    return _drop_words(new) != _drop_words(old)


def _drop_words(contract: Contract) -> dict[str, Any]:
    deeds = {name: value for name, value in contract.document.items() if name not in _WORDS}
    return {"compatibility": "backward", **deeds}


def _compare_kind(new: Contract, old: Contract) -> str:
    return "" if new.kind is old.kind else f"The kind changes from {old.kind.value} to {new.kind.value}."


def _compare_key(new: Contract, old: Contract) -> str:
    if new.key == old.key or old.key is None or new.key is None:
        return ""
    return f"The record's key moves from {old.key} to {new.key}: the same record would get another key."


def _compare_subject(new: Contract, old: Contract) -> str:
    before, after = old.subject or old.key, new.subject or new.key
    if before is None or before == after:
        return ""
    return f"The data subject's identifier moves from {before} to {after or 'nowhere'}: disclosures would not be found by it."


def _compare_classification(new: Contract, old: Contract) -> str:
    if _PROTECTION.index(new.classification) >= _PROTECTION.index(old.classification):
        return ""
    return f"The classification goes down from {old.classification.value} to {new.classification.value}."


def _compare_producers(new: Contract, old: Contract) -> str:
    gone = sorted(old.producers - new.producers)
    return f"No longer among the producers: {', '.join(gone)}." if gone else ""


def _compare_max_bytes(new: Contract, old: Contract) -> str:
    before, after = old.delivery.max_bytes, new.delivery.max_bytes
    return f"The largest event goes down from {before} to {after} bytes." if after < before else ""


def _compare_ordered_by(new: Contract, old: Contract) -> str:
    before, after = old.delivery.ordered_by, new.delivery.ordered_by
    if before is None or before == after:
        return ""
    return f"Events were delivered in order of {before} and would be in order of {after or 'nothing'}."


_RULES: tuple[tuple[Rule, str, Side, Callable[[Contract, Contract], str]], ...] = (
    (Rule.KIND, "/kind", Side.BOTH, _compare_kind),
    (Rule.KEY, "/key", Side.BOTH, _compare_key),
    (Rule.SUBJECT, "/subject", Side.BOTH, _compare_subject),
    (Rule.CLASSIFICATION, "/classification", Side.BOTH, _compare_classification),
    (Rule.PRODUCER, "/producers", Side.NEW_REFUSES_OLD, _compare_producers),
    (Rule.MAX_BYTES, "/delivery/max_bytes", Side.NEW_REFUSES_OLD, _compare_max_bytes),
    (Rule.ORDERED_BY, "/delivery/ordered_by", Side.OLD_REFUSES_NEW, _compare_ordered_by),
)
