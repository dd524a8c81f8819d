"""The largest flows: knows which flow has the most requests under way.

Promise: every operation but the beginning takes constant time, however many flows there are.
"""

from collections.abc import Mapping

from bus.delivery.sinks.flow import Flow
from bus.delivery.sinks.ranking import Ranking


class LargestFlows:
    """Counts requests by participant, and by host of each participant."""

    def __init__(self, counts: Mapping[Flow, int]) -> None:
        """Begin with the requests that are under way."""
        self._participants: Ranking[str] = Ranking()
        self._hosts: dict[str, Ranking[str]] = {}
        for flow, count in counts.items():
            for _ in range(count):
                self.add(flow)

    def add(self, flow: Flow) -> None:
        """Count one more request of a flow."""
        self._participants.add(flow.participant)
        self._hosts.setdefault(flow.participant, Ranking()).add(flow.host)

    def remove(self, flow: Flow) -> None:
        """Count one request less of a flow that has requests."""
        self._participants.remove(flow.participant)
        hosts = self._hosts[flow.participant]
        hosts.remove(flow.host)
        if not hosts:
            del self._hosts[flow.participant]

    def find_larger(self, flow: Flow, promised: int) -> Flow | None:
        """The largest flow of the participant with the most requests, if that has more than the flow's own will have.

        Otherwise the largest flow of the flow's own participant, if it has more than the flow will have.

        Args:
            promised: requests that the flow's participant will have besides.
        """
        participant = self._participants.highest()
        mine = self._participants.count(flow.participant) + promised
        if participant is not None and self._participants.count(participant) > mine + 1:
            return self._find_largest_of(participant)
        largest = self._find_largest_of(flow.participant)
        return largest if largest is not None and self._count(largest) > self._count(flow) + 1 else None

    def _find_largest_of(self, participant: str) -> Flow | None:
        hosts = self._hosts.get(participant)
        host = hosts.highest() if hosts is not None else None
        return Flow(participant, host) if host is not None else None

    def _count(self, flow: Flow) -> int:
        hosts = self._hosts.get(flow.participant)
        return 0 if hosts is None else hosts.count(flow.host)
