"""What the tests of limits share: a database with one participant."""

from collections.abc import Callable
from typing import Any

import pytest

from bus.identity.participants import Kind, Participants
from bus.limits import LimitRegister, Limits, Policy
from bus.storage import Storage
from tests.an_actor import OPERATOR


@pytest.fixture
def register(storage: Storage) -> LimitRegister:
    Participants(storage).add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
    return LimitRegister(storage, Policy.model_validate({"publish": "100/10s", "subscriptions": 2}))


@pytest.fixture
def a_process(register: LimitRegister) -> Callable[..., Any]:
    """`a_process()`: the limits of one process, whose clock stands still."""
    return lambda: Limits(register, now=lambda: 0.0)
