"""The action log of a process that runs: what it tells of its start, and of what was tried in vain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.actions.action import Action, Verb
from bus.actions.actor import Channel
from tests import no_tls
from tests.an_actor import actions
from tests.services.running import Bus, a_bus
from tests.services.waiting import until

WRONG = {"grant_type": "client_credentials", "client_id": "client_nobody", "client_secret": "salah"}


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with a_bus(tmp_path) as bus:
        yield bus


def told(bus: Bus, what: Verb) -> list[Action]:
    return [one for one in actions(bus.storage) if one.what is what]


def log_in_wrongly(bus: Bus) -> None:
    assert no_tls.post(f"{bus.address}/oauth/token", data=WRONG, timeout=30).status_code == 401


def test_a_start_with_other_settings_is_told_once(bus: Bus) -> None:
    for seconds in ("300", "300", "200"):
        bus.start(token_seconds=seconds).stop()
    first, second = told(bus, Verb.SETTINGS_CHANGE)
    assert first.by.channel is Channel.PROCESS
    assert (second.before, second.after) == ({"token_seconds": "300"}, {"token_seconds": "200"})


def test_a_process_tells_of_a_failed_login_at_once_and_of_all_before_it_stops(bus: Bus) -> None:
    process = bus.start()
    log_in_wrongly(bus)
    until(lambda: told(bus, Verb.LOGIN_FAIL))
    for _ in range(4):
        log_in_wrongly(bus)
    assert process.stop() == 0
    assert sum(one.count for one in told(bus, Verb.LOGIN_FAIL)) == 5
