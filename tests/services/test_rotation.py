"""Keys are rotated beside running processes: nobody restarts anything, and no publisher is refused."""

from tests import no_tls
from tests.forked import run_bus
from tests.services.agreements import an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.running import ALL_ROLES, Bus
from tests.services.waiting import until

_LOOKS = 20
"""Requests on connections of their own; two processes answer them."""


def _rotate(bus: Bus, *options: str) -> None:
    run_bus("keys", "rotate", "--data", str(bus.data), *options, environment=bus.environment).check_returncode()


def _published_keys(bus: Bus) -> set[int]:
    return {len(no_tls.get(f"{bus.address}/oauth/jwks", timeout=10).json()["keys"]) for _ in range(_LOOKS)}


def test_every_process_takes_new_keys_without_a_restart(make_bus: MakeBus) -> None:
    bus = make_bus()
    process = bus.start(ALL_ROLES, "--workers", "2")
    until(lambda: process.log.read_text().count("bus.serving") == 2)
    bus.publish(an_agreed_event("before"))
    _rotate(bus)
    until(lambda: _published_keys(bus) == {2})
    bus.publish(an_agreed_event("after"))
    with bus.client() as before:
        _rotate(bus, "--leaked")
        until(lambda: _published_keys(bus) == {1})
        assert {before.get("/v1/contracts").status_code for _ in range(_LOOKS)} == {401}
    bus.forget_token()
    bus.publish(an_agreed_event("after the leak"))
