"""A trial: sends one signed example event to a webhook at once, so that its developer sees whether it works."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bus import clock, json
from bus.delivery.names import Names
from bus.delivery.signature import Signer
from bus.delivery.sinks.places import make_uncounted_place
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.subscription import AgencySink, Pull, Subscription, Webhook
from bus.ids import new_id
from bus.kit import Event, Outcome
from bus.networks import Network
from bus.problem import Conflict, Refused

TYPE = "bus.test"


_OF_ONE: Final = 2
"""Trials of one participant that may be under way at once."""
_OF_ALL: Final = 16


class TooManyTrials(Refused):
    """Too many tests of webhooks are under way; try again when one has ended."""

    status = 429
    slug = "too-many-tests"
    is_overload = True


class NoTrial(Conflict):
    """Only a webhook can be tested: an agency would take the example for a real event, and nothing is sent to who pulls."""

    slug = "no-trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """A sink's answer to a trial, and the seconds that it took."""

    outcome: Outcome
    seconds: float


class Trials:
    """Tries webhooks out for a process. Belongs to one event loop; `close` it at the end."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._sinks: dict[tuple[Sequence[Network], float, Sequence[str]], WebhookSink] = {}
        self._under_way: Counter[str] = Counter()

    async def run(
        self,
        subscription: Subscription,
        participant: str,
        allowed: Sequence[Network],
        seconds: float,
        *,
        hosts: Sequence[str] = (),
    ) -> Trial:
        """Send an example to a subscription's webhook. It is of type `bus.test`, in no journal, and about nobody.

        Args:
            participant: who asks; trials under way are counted by participant.
            allowed: networks where sinks may be private or plain http.
            seconds: the most that the sink may take.
            hosts: patterns of the hosts where sinks may be; empty: every host.

        Raises:
            NoTrial: the sink is an agency's.
            TooManyTrials: trials are under way already.
        """
        webhook = find_tried_webhook(subscription)
        if self._under_way[participant] >= _OF_ONE or self._under_way.total() >= _OF_ALL:
            raise TooManyTrials("Wait until the tests that are under way have ended.", headers={"Retry-After": "5"})
        self._under_way[participant] += 1
        try:
            return await _send(subscription, webhook, self._sink(tuple(allowed), seconds, tuple(hosts)), participant)
        finally:
            self._under_way[participant] -= 1
            self._under_way += Counter()

    def _sink(self, allowed: Sequence[Network], seconds: float, hosts: Sequence[str]) -> WebhookSink:
        options = (allowed, seconds, hosts)
        if options not in self._sinks:
            self._sinks[options] = WebhookSink(allowed, seconds, places=_OF_ALL, names=self._names, hosts=hosts)
        return self._sinks[options]

    async def close(self) -> None:
        """Close the connections."""
        while self._sinks:
            await self._sinks.popitem()[1].close()


def find_tried_webhook(subscription: Subscription) -> Webhook:
    """The webhook that a trial of a subscription is sent to.

    Raises:
        NoTrial: the sink is an agency's, or the participant pulls.
    """
    sink = subscription.sink
    if isinstance(sink, Pull):
        raise NoTrial(f"{subscription.id} is pulled.")
    if isinstance(sink, AgencySink):
        raise NoTrial(f"{subscription.id} goes to the adapter {sink.adapter}.")
    return sink


async def _send(subscription: Subscription, webhook: Webhook, sink: WebhookSink, participant: str) -> Trial:
    now = clock.now()
    event = Event(
        id=new_id("test"),
        source="urn:bus:lamongan",
        type=TYPE,
        data={"subscription": subscription.id},
        time=clock.rfc3339(now),
        datacontenttype="application/json",
    )
    body = json.dumps(event.to_document())
    headers = Signer(subscription.secrets).headers(f"msg_{event.id}", body, now)
    begun = time.perf_counter()
    outcome = await sink.send(webhook.url, body, headers, make_uncounted_place(participant))
    return Trial(outcome, time.perf_counter() - begun)
