"""Wrong logins: whom the bound stops, and whom it must not."""

from typing import Any

import pytest

from bus.household import household
from bus.identity.wrong_logins import LoginPolicy, LoginsLimited, WrongLogins
from bus.limits import Rate

HOME, ELSEWHERE = "10.20.0.5", "203.0.113.9"


def a_count(**changes: Any) -> WrongLogins:
    rates = {"pair": Rate(3, 60), "client": Rate(6, 60), "address": Rate(5, 60)} | changes
    return WrongLogins(LoginPolicy(**rates), now=lambda: 0.0)


def fail(wrong: WrongLogins, client: str, address: str, times: int) -> None:
    for _ in range(times):
        wrong.failed(client, address)


def is_stopped(wrong: WrongLogins, client: str, address: str) -> bool:
    try:
        wrong.check(client, address)
    except LoginsLimited as limited:
        return limited.status == 429 and int(limited.headers["Retry-After"]) >= 1
    return False


def test_a_client_is_stopped_where_it_failed_and_not_elsewhere():
    wrong = a_count()
    fail(wrong, "bapenda", ELSEWHERE, 3)
    assert is_stopped(wrong, "bapenda", ELSEWHERE)
    assert not is_stopped(wrong, "bapenda", HOME)


def test_another_client_of_the_same_address_is_not_stopped():
    wrong = a_count()
    fail(wrong, "bapenda", HOME, 3)
    assert not is_stopped(wrong, "dinkes", HOME)


def test_an_address_that_tries_many_clients_is_stopped():
    wrong = a_count()
    for number in range(5):
        wrong.failed(f"client_{number}", ELSEWHERE)
    assert is_stopped(wrong, "client_new", ELSEWHERE)
    assert not is_stopped(wrong, "client_new", HOME)


def test_many_addresses_stop_a_client_but_not_where_it_proved_itself_lately():
    wrong = a_count()
    wrong.proved("bapenda", HOME)
    for number in range(6):
        wrong.failed("bapenda", f"203.0.113.{number}")
    assert is_stopped(wrong, "bapenda", "203.0.113.77")
    assert not is_stopped(wrong, "bapenda", HOME)


def test_what_was_forgiven_does_not_count():
    wrong = a_count()
    for _ in range(20):
        wrong.failed("bapenda", HOME)
        wrong.forgive("bapenda", HOME)
    assert not is_stopped(wrong, "bapenda", HOME)


NEVER = Rate(10_000, 60)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fifty of each kind be remembered."""
    monkeypatch.setattr("bus.identity.wrong_logins._REMEMBERED", 50)


def crowd(wrong: WrongLogins) -> None:
    """Many clients fail and prove themselves, each from an address of its own."""
    for number in range(60):
        wrong.failed(f"client_{number}", f"10.0.0.{number}")
        wrong.proved(f"client_{number}", f"10.0.0.{number}")


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", ["pair", "client", "address"])
def test_what_failed_longest_ago_is_forgotten_for_the_many_that_failed_since(kind: str):
    wrong = a_count(**({"pair": NEVER, "client": NEVER, "address": NEVER} | {kind: Rate(3, 60)}))
    fail(wrong, "bapenda", HOME, 3)
    assert is_stopped(wrong, "bapenda", HOME)
    crowd(wrong)
    assert not is_stopped(wrong, "bapenda", HOME)


@pytest.mark.usefixtures("few")
def test_a_proof_is_forgotten_for_the_many_that_came_since():
    wrong = a_count()
    wrong.proved("bapenda", HOME)
    crowd(wrong)
    for number in range(6):
        wrong.failed("bapenda", f"203.0.113.{number}")
    assert is_stopped(wrong, "bapenda", HOME)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_customers_many_addresses_are_one(address: str, expected: str):
    assert household(address) == expected
