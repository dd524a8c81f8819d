"""Versions that stand ready: those in use, and at most so many."""

from bus import json
from bus.contracts.lifecycle import State
from bus.contracts.ready import ReadyVersions
from bus.contracts.registered import CatalogueEntry
from tests.builders import a_strict_contract


def _entry(number: int) -> CatalogueEntry:
    return CatalogueEntry(number, number, "kependudukan.uji", f"1.{number}.0", State.ACTIVE, 0, None)


def _document(version: str = "1.0.0") -> bytes:
    return json.dumps(a_strict_contract(version=version).document)


def test_there_are_never_more_than_agreed() -> None:
    ready = ReadyVersions(lambda: None, most=10)
    document = _document()
    for number in range(100):
        ready.make(_entry(number), document)
        assert len(ready) <= 10


def test_a_version_that_is_asked_for_stays_and_another_goes() -> None:
    ready = ReadyVersions(lambda: None, most=10)
    document = _document()
    used, forgotten = ready.make(_entry(1000), document), _entry(1001)
    ready.make(forgotten, document)
    for number in range(100):
        ready.make(_entry(number), document)
        assert ready.get(_entry(1000)) is used
    assert ready.get(forgotten) is None


def test_whoever_remembers_versions_is_told_to_forget_them() -> None:
    turns: list[int] = []
    ready = ReadyVersions(lambda: turns.append(1), most=10)
    for number in range(20):
        ready.make(_entry(number), _document())
    assert len(turns) == 4


def test_versions_with_the_same_schema_share_its_validator() -> None:
    ready = ReadyVersions(lambda: None)
    one, other = (ready.make(_entry(number), _document(f"1.{number}.0")) for number in (1, 2))
    assert one.validator is other.validator
