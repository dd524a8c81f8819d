"""What an adapter offers decides what the bus asks of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from bus.agencies.registry import AdapterIncomplete, AdapterOff, Agencies
from bus.kit import (
    DELIVERED,
    AdapterSettings,
    Classification,
    Deliver,
    Does,
    Event,
    Operation,
    Outcome,
    Query,
    Question,
)

TAKE = Operation("terima", Does.DELIVER, least=Classification.PUBLIC)
ASK = Operation("tanya", Does.QUERY, least=Classification.PUBLIC)
FETCH = Operation("tarik", Does.POLL, contract="uji.tarik", least=Classification.PUBLIC)


class Takes(Deliver):
    """Delivers, and does nothing else."""

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        return [DELIVERED] * len(events)

    async def close(self) -> None:
        pass


class Answers(Takes, Query):
    """Delivers and answers."""

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        return question.data


class AFactory:
    """Makes an adapter of a class for some operations."""

    name: ClassVar[str] = "badan"
    participant: ClassVar[str] = "badan"
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings

    def __init__(self, make: type[Takes], *operations: Operation) -> None:
        self.operations = operations
        self._make = make

    def create(self, settings: AdapterSettings) -> Takes:
        return self._make()


def agencies_with(make: type[Takes], *operations: Operation) -> Agencies:
    return Agencies({"badan": {"base_url": "https://badan.example"}}, {"badan": lambda: AFactory(make, *operations)})


@pytest.mark.parametrize("operation", [ASK, FETCH], ids=lambda one: one.does.value)
def test_an_adapter_without_a_method_for_its_operation_stops_the_start(operation: Operation):
    with pytest.raises(AdapterIncomplete) as refused:
        agencies_with(Takes, TAKE, operation)
    assert refused.value.detail == f"The adapter badan has no method {operation.does.value} for {operation.name}."


def test_an_adapter_needs_no_method_that_no_operation_uses():
    adapter, operation = agencies_with(Takes, TAKE).find_deliver("badan", TAKE.name)
    assert isinstance(adapter, Takes)
    assert operation is TAKE


FIND: dict[Does, Callable[[Agencies, str, str], Any]] = {
    Does.DELIVER: Agencies.find_deliver,
    Does.POLL: Agencies.find_poll,
    Does.QUERY: Agencies.find_query,
    Does.PUSH: Agencies.find_push,
}


@pytest.mark.parametrize("does", Does)
def test_what_no_operation_does_is_refused_in_one_way(does: Does):
    """An adapter without a poll once raised AgencyFault, AgencyRefused or NotImplementedError, each in its own way."""
    agencies = agencies_with(Answers, TAKE, ASK)
    for operation in {"terima", "tanya", "lain"} - {one.name for one in (TAKE, ASK) if one.does is does}:
        with pytest.raises(AdapterOff):
            FIND[does](agencies, "badan", operation)
        assert agencies.find_operation("badan", operation, does) is None
