"""Places: bound the requests to sinks that are under way, in all, to one host, and for one participant.

Promise: a sink that answers slowly, or not at all, keeps nobody else from sending. Two rules hold it. First, a holder gets
another place only while more places are free than it holds. Second, if none is free, the waiter with the fewest places comes
first. It gets a place of the largest holder, whose request is broken off after a second.
"""

import asyncio
import resource
import time
from collections import Counter, OrderedDict, deque
from itertools import islice
from typing import Final

from bus.delivery.sinks.flow import Flow
from bus.delivery.sinks.largest import LargestFlows
from bus.limits import Share

PLACES_PER_HOST: Final = 128
PATIENCE_SECONDS: Final = 1.0
"""Time that a request may take before it is broken off for somebody who waits."""
_SWEEP_SECONDS: Final = 0.1
_FEWEST: Final = 16
_MOST: Final = 1024
_ASKED: Final = 16
"""Hosts of one participant that are offered a free place. A participant may have thousands, which would hold up the loop."""


def compute_usual_places() -> int:
    """A quarter of the files that this process may open. Another quarter is for idle connections, the rest for other files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, min(_MOST, files // 4))


class Place:
    """One taken place; `give` it back."""

    __slots__ = ("_limit", "_places", "begun", "flow")

    def __init__(self, places: "Places | None", flow: Flow) -> None:
        self._places = places
        self._limit: asyncio.Timeout | None = None
        self.flow = flow
        self.begun = time.monotonic()

    def begin(self, limit: asyncio.Timeout) -> None:
        """Note that the request began; `break_off` may end its time limit early."""
        self._limit = limit

    def break_off(self) -> None:
        """End the request as if the sink had not answered in time."""
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())
            self._limit = None

    def give(self) -> None:
        """Give the place back. The request is over."""
        self._limit = None
        if self._places is not None:
            self._places.give(self)


def make_uncounted_place(participant: str) -> Place:
    """A place that counts nowhere, for a participant's request that is bounded elsewhere."""
    return Place(None, Flow(participant, ""))


_Waiting = OrderedDict[str, deque[asyncio.Future[Place]]]
"""The waiters of one participant, by host."""


class Places:
    """The places of one process. Belongs to one event loop.

    All places are shared by participants, a participant's by its hosts, and a host's by the participants that send there.
    """

    def __init__(self, places: int, per_host: int = PLACES_PER_HOST) -> None:
        self._places = places
        self._per_host = per_host
        self._all = Share(places)
        self._of_participant: dict[str, Share] = {}
        self._of_host: dict[str, Share] = {}
        self._going: dict[Flow, OrderedDict[Place, None]] = {}
        """Requests that were not broken off, the oldest first."""
        self._largest: LargestFlows | None = None
        """Counts the requests that go on, while somebody waits."""
        self._waiting: dict[str, _Waiting] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, flow: Flow, seconds: float) -> Place | None:
        """Take a place for a request within `seconds`; None: there was none."""
        if flow.participant not in self._waiting and (place := self._take(flow)) is not None:
            return place
        loop = asyncio.get_running_loop()
        awaited: asyncio.Future[Place] = loop.create_future()
        self._waiting.setdefault(flow.participant, OrderedDict()).setdefault(flow.host, deque()).append(awaited)
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP_SECONDS, self._make_room)
            self._largest = LargestFlows({flow: len(going) for flow, going in self._going.items()})
        try:
            async with asyncio.timeout(seconds):
                return await awaited
        except TimeoutError:
            self._forget(flow, awaited)
            return None
        except asyncio.CancelledError:
            self._forget(flow, awaited)
            raise

    def give(self, place: Place) -> None:
        """Give a place back."""
        participant, host = place.flow
        self._all.give(participant)
        for shares, of, whose in ((self._of_participant, participant, host), (self._of_host, host, participant)):
            shares[of].give(whose)
            if not shares[of].places_held:
                del shares[of]
        self._drop(place)
        while self._waiting and any(self._hand_on(waiting) for waiting in self._in_turn()):
            pass

    def _take(self, flow: Flow) -> Place | None:
        participant, host = flow
        of_participant = self._of_participant.get(participant) or Share(self._places)
        of_host = self._of_host.get(host) or Share(self._per_host)
        if not (self._all.admits(participant) and of_participant.admits(host) and of_host.admits(participant)):
            return None
        self._of_participant[participant], self._of_host[host] = of_participant, of_host
        of_participant.take(host)
        of_host.take(participant)
        self._all.take(participant)
        place = Place(self, flow)
        self._going.setdefault(flow, OrderedDict())[place] = None
        if self._largest is not None:
            self._largest.add(flow)
        return place

    def _in_turn(self) -> list[str]:
        """The participants that wait; the one with the fewest places comes first."""
        return sorted(self._waiting, key=self._all.places_held.__getitem__)

    def _hand_on(self, participant: str) -> bool:
        """Hand one free place on to a participant that waits. Returns whether there was one for it."""
        waiting = self._waiting[participant]
        for host in list(islice(waiting, _ASKED)):
            waiting.move_to_end(host)
            queue = waiting[host]
            while queue and queue[0].done():
                # Cancelled a moment ago.
                queue.popleft()
            place = self._take(Flow(participant, host)) if queue else None
            if place is not None:
                queue.popleft().set_result(place)
            self._drop_if_empty(participant, host)
            if place is not None:
                return True
        return False

    def _make_room(self) -> None:
        """Break off slow requests for waiters that hold fewer places."""
        self._sweep = None
        promised: Counter[str] = Counter()
        for participant in self._in_turn():
            for host in list(islice(self._waiting[participant], _ASKED)):
                self._waiting[participant].move_to_end(host)
                self._break_off_for(Flow(participant, host), promised)
        if self._waiting:
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._make_room)
        else:
            self._largest = None

    def _break_off_for(self, flow: Flow, promised: Counter[str]) -> None:
        """Break off one request for a flow, if another flow has more requests.

        Args:
            promised: places that each participant will get from requests that were broken off before.
        """
        largest = self._largest.find_larger(flow, promised[flow.participant]) if self._largest is not None else None
        if largest is None:
            return
        oldest = next(iter(self._going[largest]))
        if time.monotonic() - oldest.begun >= PATIENCE_SECONDS:
            # At once, not when it is given back: the next one who waits needs another.
            self._drop(oldest)
            oldest.break_off()
            if largest.participant != flow.participant:
                promised[flow.participant] += 1

    def _drop(self, place: Place) -> None:
        """Stop counting a place: its request is over, or is broken off."""
        going = self._going.get(place.flow)
        if going is None or place not in going:
            return
        del going[place]
        if not going:
            del self._going[place.flow]
        if self._largest is not None:
            self._largest.remove(place.flow)

    def _forget(self, flow: Flow, awaited: asyncio.Future[Place]) -> None:
        """Stop waiting. A place that was handed on meanwhile goes back."""
        if awaited.done() and not awaited.cancelled():
            awaited.result().give()
            return
        waiting = self._waiting.get(flow.participant)
        if waiting is not None and awaited in waiting.get(flow.host, ()):
            waiting[flow.host].remove(awaited)
            self._drop_if_empty(flow.participant, flow.host)

    def _drop_if_empty(self, participant: str, host: str) -> None:
        waiting = self._waiting[participant]
        if not waiting[host]:
            del waiting[host]
        if not waiting:
            del self._waiting[participant]
