"""The addresses of sinks' host names, looked up in threads apart from those that storage uses.

Promise: host names whose DNS servers never answer hold up their own participant alone. A host name takes one thread at most. A
participant gets a share of the threads. A host name that did not answer in time fails at once for a while.
"""

import asyncio
import errno
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from bus.delivery.sinks.flow import Flow
from bus.delivery.sinks.places import Place, Places

LOOKUPS: Final = 64
"""Host names looked up at once."""
LOOKUP_SECONDS: Final = 5.0
"""How long a caller waits for a look-up, and how long a look-up waits for a thread."""
BELIEVED_SECONDS: Final = 30.0
"""How long found addresses are used."""
UNANSWERED_SECONDS: Final = 60.0
"""How long a host name fails at once after it did not answer. The C library gives up within thirty seconds."""
_SLOW_SECONDS: Final = 1.0
"""A failure that took longer counts as no answer."""
ADDRESSES: Final = 3
"""Addresses of each family that are kept of one host name: it may have hundreds, and each is a socket."""
KEPT: Final = 4096
"""Host names whose addresses, or whose silence, are remembered."""


class FoundAddress(NamedTuple):
    """One address of a host name, with its family and protocol as `socket` numbers them."""

    family: int
    protocol: int
    address: str


class NameFailed(OSError):
    """A host name has no address, or nobody answers for it."""


LookUp = Callable[[str], Sequence[FoundAddress]]
"""Finds the addresses of a host name. It runs in a thread, and may raise OSError."""


def look_up_in_system(host: str) -> Sequence[FoundAddress]:
    """The addresses that the system's resolver finds.

    Raises:
        OSError: there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise NameFailed(errno.ENOENT, "the host is no name for DNS") from None
    return [FoundAddress(family, protocol, str(address[0])) for family, _, protocol, _, address in found]


class _Remembered(NamedTuple):
    """What is remembered of a host name. Without addresses: its name servers did not answer."""

    until: float
    found: Sequence[FoundAddress]


class Names:
    """The look-ups of one process. Belongs to one event loop."""

    def __init__(
        self,
        look_up: LookUp = look_up_in_system,
        lookups: int = LOOKUPS,
        seconds: float = LOOKUP_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._now = now
        self._places = Places(lookups)
        self._under_way: dict[str, asyncio.Future[Sequence[FoundAddress]]] = {}
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    @property
    def under_way(self) -> int:
        """How many host names are looked up now."""
        return len(self._under_way)

    async def resolve(self, host: str, participant: str) -> Sequence[FoundAddress]:
        """The addresses of a host name, at least one.

        Args:
            participant: the sink's owner; the look-up counts for its share.

        Raises:
            OSError: the host name has no address, nobody answers for it, or the participant's share is in use.
        """
        remembered = self._recall(host)
        if remembered is None and host not in self._under_way:
            place = await self._places.take(Flow(participant, host), self._seconds)
            if place is None:
                raise NameFailed(errno.EAGAIN, "too many host names are looked up")
            # Another participant may have asked for the host name while this one waited.
            remembered = self._recall(host)
            if remembered is None and host not in self._under_way:
                self._begin(host, place)
            else:
                place.give()
        found = await self._answer(host) if remembered is None else remembered.found
        if not found:
            raise NameFailed(errno.ETIMEDOUT, "nobody answers for the host name")
        return found

    async def _answer(self, host: str) -> Sequence[FoundAddress]:
        """The result of the look-up under way; nothing if it takes too long. Its thread then goes on."""
        lookup = self._under_way[host]
        await asyncio.wait([lookup], timeout=self._seconds)
        if lookup.done():
            return lookup.result()
        self._remember(host, ())
        return ()

    def _begin(self, host: str, place: Place) -> None:
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[Sequence[FoundAddress]] = loop.create_future()
        # A daemon thread, so that a process that ends does not wait for a name server. A pool has no daemon threads.
        thread = threading.Thread(target=self._run, args=(loop, lookup, host), name="dns", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            place.give()
            raise NameFailed(errno.EAGAIN, "no thread is left") from None
        self._under_way[host] = lookup
        lookup.add_done_callback(partial(self._end, host, place, self._now()))

    def _run(self, loop: asyncio.AbstractEventLoop, lookup: asyncio.Future[Sequence[FoundAddress]], host: str) -> None:
        settle = partial(lookup.set_exception, NameFailed(errno.EIO, "the look-up broke off"))
        try:
            settle = partial(lookup.set_result, _take_first_of_each_family(self._look_up(host)))
        except OSError as error:
            settle = partial(lookup.set_exception, error)
        finally:
            # The loop may have ended before the name server answered.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle)

    def _end(self, host: str, place: Place, begun: float, lookup: asyncio.Future[Sequence[FoundAddress]]) -> None:
        place.give()
        del self._under_way[host]
        if lookup.exception() is None and lookup.result():
            self._remember(host, lookup.result())
        elif self._now() - begun >= _SLOW_SECONDS:
            # A host name that fails quickly is asked for again at once: its owner may just have made it.
            self._remember(host, ())

    def _recall(self, host: str) -> _Remembered | None:
        remembered = self._remembered.get(host)
        return remembered if remembered is not None and remembered.until > self._now() else None

    def _remember(self, host: str, found: Sequence[FoundAddress]) -> None:
        seconds = BELIEVED_SECONDS if found else UNANSWERED_SECONDS
        self._remembered[host] = _Remembered(self._now() + seconds, found)
        self._remembered.move_to_end(host)
        if len(self._remembered) > KEPT:
            self._remembered.popitem(last=False)


def _take_first_of_each_family(found: Sequence[FoundAddress]) -> Sequence[FoundAddress]:
    """The first addresses of each family, in their order."""
    families = [one.family for one in found]
    return [one for index, one in enumerate(found) if families[:index].count(one.family) < ADDRESSES]
