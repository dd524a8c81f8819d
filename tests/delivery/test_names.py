"""Look-ups of host names: one that hangs costs its own participant one thread, once."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from bus.delivery.names import (
    ADDRESSES,
    BELIEVED_SECONDS,
    UNANSWERED_SECONDS,
    FoundAddress,
    Names,
    look_up_in_system,
)

HOME = FoundAddress(socket.AF_INET, 6, "192.0.2.1")


class ADns:
    """Name servers: those of names that begin with `hangs` do not answer before `answer`."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.found: Sequence[FoundAddress] = [HOME]
        self._answers = threading.Event()

    def __call__(self, host: str) -> Sequence[FoundAddress]:
        self.asked[host] += 1
        if host.startswith("hangs"):
            assert self._answers.wait(60)
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return self.found

    def answer(self) -> None:
        self._answers.set()


class AClock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def dns() -> Iterator[ADns]:
    servers = ADns()
    yield servers
    servers.answer()


async def fails(names: Names, host: str, participant: str = "dinkes") -> bool:
    try:
        await names.resolve(host, participant)
    except OSError:
        return True
    return False


async def test_the_systems_resolver_finds_a_name():
    assert "127.0.0.1" in [one.address for one in await Names().resolve("localhost", "dinkes")]


@pytest.mark.parametrize("host", ["no-such-sink.invalid", f"{'a' * 64}.example"])
def test_a_name_that_is_none_has_no_address(host: str):
    with pytest.raises(OSError):  # noqa: PT011 - its class is the system's
        look_up_in_system(host)


async def test_names_that_hang_leave_the_threads_of_other_participants_free(dns: ADns):
    names = Names(dns, lookups=8, seconds=0.5)
    hanging = [asyncio.create_task(fails(names, f"hangs-{number}", "dinsos")) for number in range(20)]
    await asyncio.sleep(0)
    assert names.under_way == 4
    async with asyncio.timeout(10):
        assert await names.resolve("good", "dinkes") == [HOME]
        assert all(await asyncio.gather(*hanging))


async def test_a_name_that_did_not_answer_fails_at_once_for_a_while(dns: ADns):
    clock = AClock()
    names = Names(dns, seconds=0.05, now=clock)
    assert await fails(names, "hangs")
    again = asyncio.create_task(fails(names, "hangs"))
    await asyncio.sleep(0)
    assert again.done()
    assert again.result()
    assert dns.asked["hangs"] == 1
    clock.now += UNANSWERED_SECONDS
    dns.answer()
    assert await names.resolve("hangs", "dinkes") == [HOME]


async def test_a_name_that_fails_slowly_fails_at_once_from_then_on(dns: ADns):
    clock = AClock()
    names = Names(dns, now=clock)
    asked = asyncio.create_task(fails(names, "hangs.invalid"))
    await asyncio.sleep(0)
    clock.now += 2
    dns.answer()
    assert await asked
    assert await fails(names, "hangs.invalid")
    assert dns.asked["hangs.invalid"] == 1


async def test_a_name_that_fails_quickly_is_asked_for_again(dns: ADns):
    names = Names(dns)
    assert await fails(names, "new.invalid")
    assert await fails(names, "new.invalid")
    assert dns.asked["new.invalid"] == 2


async def test_a_name_takes_one_thread_however_many_ask_for_it(dns: ADns):
    names = Names(dns)
    asked = [asyncio.create_task(names.resolve("hangs", name)) for name in ("dinkes", "dinsos", "bapenda")]
    await asyncio.sleep(0)
    dns.answer()
    assert await asyncio.gather(*asked) == [[HOME]] * 3
    assert dns.asked["hangs"] == 1


async def test_one_who_waits_for_a_turn_holds_up_nobody_who_asks_for_the_same_name(dns: ADns):
    names = Names(dns, lookups=2)
    hanging = asyncio.create_task(names.resolve("hangs", "dinsos"))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(names.resolve("good", "dinsos"))
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert await names.resolve("good", "dinkes") == [HOME]
    dns.answer()
    assert await asyncio.gather(hanging, waiting) == [[HOME]] * 2


async def test_addresses_are_believed_for_a_while(dns: ADns):
    clock = AClock()
    names = Names(dns, now=clock)
    for _ in range(2):
        await names.resolve("good", "dinkes")
    assert dns.asked["good"] == 1
    clock.now += BELIEVED_SECONDS
    await names.resolve("good", "dinkes")
    assert dns.asked["good"] == 2


async def test_of_a_name_with_many_addresses_some_are_kept(dns: ADns):
    dns.found = [FoundAddress(socket.AF_INET, 6, f"192.0.2.{number}") for number in range(200)]
    assert len(await Names(dns).resolve("large", "dinkes")) == ADDRESSES


async def test_the_name_that_was_asked_for_longest_ago_is_forgotten_for_many_others(
    dns: ADns, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bus.delivery.names.KEPT", 3)
    names = Names(dns)
    for number in (0, 1, 2, 3, 0, 3):
        await names.resolve(f"sink-{number}", "dinkes")
    assert (dns.asked["sink-0"], dns.asked["sink-3"]) == (2, 1)


class Broken(Exception):
    """A defect."""


async def test_a_look_up_that_breaks_gives_its_thread_back(monkeypatch: pytest.MonkeyPatch):
    def broken(host: str) -> Sequence[FoundAddress]:
        raise Broken

    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    names = Names(broken, lookups=1)
    for _ in range(3):
        assert await fails(names, "good")
    assert names.under_way == 0
    async with asyncio.timeout(10):
        while len(told) < 3:  # noqa: ASYNC110 - the threads tell nobody else
            await asyncio.sleep(0.01)
