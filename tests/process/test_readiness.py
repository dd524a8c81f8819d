"""Readiness: what a process says of the broker."""

from typing import Any, cast

import pytest

from bus.delivery import Reach
from bus.process.readiness import Readiness
from bus.process.role import Role


@pytest.mark.parametrize(
    ("reach", "is_ok", "told"),
    [
        (Reach.TAKES, True, "connected"),
        (Reach.HOLDS_BACK, False, "holds publishers back"),
        (Reach.REFUSES, False, "correct BUS_BROKER_URL"),
        (Reach.AWAY, False, "not connected"),
    ],
)
def test_a_broker_that_holds_publishers_back_is_not_called_connected(reach: Reach, is_ok: bool, told: str) -> None:
    nothing = cast("Any", None)
    readiness = Readiness(nothing, nothing, nothing, lambda: reach, [Role.API], [])
    found = readiness._check_broker(needed=False)
    assert (found.ok, told in found.detail) == (is_ok, True)
