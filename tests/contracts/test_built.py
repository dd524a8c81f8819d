"""Versions that stand ready: those in use, and at most so many."""

from bus.contracts.built import Built
from bus.contracts.lifecycle import State
from bus.contracts.registered import Summary
from tests.contracts.documents import a_contract


def _summary(number: int) -> Summary:
    return Summary(number, number, "kependudukan.uji", f"1.{number}.0", State.ACTIVE, 0, None)


def test_there_are_never_more_than_agreed() -> None:
    built = Built(lambda: None, most=10)
    contract = a_contract()
    for number in range(100):
        built.make(_summary(number), contract)
        assert len(built) <= 10


def test_a_version_that_is_asked_for_stays_and_another_goes() -> None:
    built = Built(lambda: None, most=10)
    contract = a_contract()
    used, forgotten = built.make(_summary(1000), contract), _summary(1001)
    built.make(forgotten, contract)
    for number in range(100):
        built.make(_summary(number), contract)
        assert built.get(_summary(1000)) is used
    assert built.get(forgotten) is None


def test_whoever_remembers_versions_is_told_to_forget_them() -> None:
    turns: list[int] = []
    built = Built(lambda: turns.append(1), most=10)
    for number in range(20):
        built.make(_summary(number), a_contract())
    assert len(turns) == 4


def test_versions_with_the_same_schema_share_its_validator() -> None:
    built = Built(lambda: None)
    one, other = (built.make(_summary(number), a_contract(version=f"1.{number}.0")) for number in (1, 2))
    assert one.validator is other.validator
