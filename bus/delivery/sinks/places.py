"""Places: how many requests to sinks are under way at once, in all, to one host, and for one participant."""

import asyncio
import resource
from collections import Counter, OrderedDict, deque
from itertools import islice
from typing import Final

PLACES_PER_HOST: Final = 128
_FEWEST: Final = 16
_MOST: Final = 1024
_ASKED: Final = 16
"""Hosts of a participant that are offered a free place: one with thousands of sinks must not take the loop's time."""

_Queues = OrderedDict[str, deque[asyncio.Future[None]]]
"""Who waits, by host."""


def usual_places() -> int:
    """A quarter of the files that this process may open: as many connections may be idle, the rest is for everything else."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, min(_MOST, files // 4))


class Share:
    """A number of places of which nobody gets all.

    Whoever holds none gets one while any is free. Whoever holds some gets another only while more are free than that
    (dynamic thresholds after Choudhury and Hahne, 1998): one alone gets half, two get a third each, and so on.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._held: Counter[str] = Counter()
        self._taken = 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a place."""
        return self._taken == 0

    def admits(self, participant: str) -> bool:
        """Whether a participant may take one now."""
        return self._held[participant] < self._places - self._taken

    def take(self, participant: str) -> None:
        """Take a place."""
        self._held[participant] += 1
        self._taken += 1

    def give(self, participant: str) -> None:
        """Give a place back."""
        self._taken -= 1
        self._held[participant] -= 1
        if self._held[participant] <= 0:
            del self._held[participant]


class Places:
    """The places of one process. Belongs to one event loop.

    All places are shared by participants, a participant's by its hosts, and a host's by the participants that send there. Who
    waits is asked in turn, so that nobody's long queue is before another's.
    """

    def __init__(self, places: int, per_host: int = PLACES_PER_HOST) -> None:
        self._places = places
        self._per_host = per_host
        self._all = Share(places)
        self._of_participant: dict[str, Share] = {}
        self._of_host: dict[str, Share] = {}
        self._waiting: OrderedDict[str, _Queues] = OrderedDict()

    async def take(self, host: str, participant: str, seconds: float) -> bool:
        """Take a place for a request to a host, within some seconds; False when there was none."""
        if participant not in self._waiting and self._take(host, participant):
            return True
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(participant, OrderedDict()).setdefault(host, deque()).append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except TimeoutError:
            self._forget(host, participant, place)
            return False
        except asyncio.CancelledError:
            self._forget(host, participant, place)
            raise
        return True

    def give(self, host: str, participant: str) -> None:
        """Give a place back."""
        self._all.give(participant)
        for shares, of, whose in ((self._of_participant, participant, host), (self._of_host, host, participant)):
            shares[of].give(whose)
            if shares[of].is_idle:
                del shares[of]
        while self._waiting and any(self._hand_on(waiting) for waiting in list(self._waiting)):
            pass

    def _take(self, host: str, participant: str) -> bool:
        of_participant = self._of_participant.get(participant) or Share(self._places)
        of_host = self._of_host.get(host) or Share(self._per_host)
        if not (self._all.admits(participant) and of_participant.admits(host) and of_host.admits(participant)):
            return False
        self._of_participant[participant], self._of_host[host] = of_participant, of_host
        of_participant.take(host)
        of_host.take(participant)
        self._all.take(participant)
        return True

    def _hand_on(self, participant: str) -> bool:
        """Hand one free place on to a participant that waits; whether there was one for it."""
        queues = self._waiting[participant]
        self._waiting.move_to_end(participant)
        for host in list(islice(queues, _ASKED)):
            queues.move_to_end(host)
            queue = queues[host]
            while queue and queue[0].done():
                # Cancelled a moment ago.
                queue.popleft()
            is_taken = bool(queue) and self._take(host, participant)
            if is_taken:
                queue.popleft().set_result(None)
            self._drop_if_empty(host, participant)
            if is_taken:
                return True
        return False

    def _forget(self, host: str, participant: str, place: asyncio.Future[None]) -> None:
        """Stop waiting; a place that was handed on meanwhile goes back."""
        if place.done() and not place.cancelled():
            self.give(host, participant)
            return
        queues = self._waiting.get(participant)
        if queues is not None and place in queues.get(host, ()):
            queues[host].remove(place)
            self._drop_if_empty(host, participant)

    def _drop_if_empty(self, host: str, participant: str) -> None:
        queues = self._waiting[participant]
        if not queues[host]:
            del queues[host]
        if not queues:
            del self._waiting[participant]
