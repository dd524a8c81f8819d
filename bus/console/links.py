"""Links: who sends data to whom, how much, and whether they arrive; from counts of traffic and the state of subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bus.delivery import SubscriptionState
from bus.rollups import Counts, Flow
from bus.status import SubscriberState


class Health(IntEnum):
    """Whether data arrive, the worst last."""

    GOOD = 0
    IDLE = 1
    """The subscription is paused."""
    WARN = 2
    BAD = 3

    @property
    def kind(self) -> str:
        """The kind of badge that shows it."""
        return self.name.lower()


@dataclass(slots=True)
class Link:
    """The data that one participant sends to another one.

    Attributes:
        contracts: the names of their contracts.
        subscriptions: the ids of the subscriptions that are there now.
    """

    sender: str
    receiver: str
    counts: Counts = field(default_factory=Counts)
    health: Health = Health.GOOD
    contracts: set[str] = field(default_factory=set)
    subscriptions: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """The events that the receiver got, delivered or pulled."""
        return self.counts.delivered + self.counts.pulled


@dataclass(frozen=True, slots=True)
class Chosen:
    """The data that the visitor chose; None: all.

    Attributes:
        office: the participant that sends or gets them.
    """

    contract: str | None = None
    office: str | None = None

    def admits(self, contract: str, sender: str, receiver: str) -> bool:
        """Whether a flow is among the chosen ones."""
        return self.contract in (None, contract) and (self.office is None or self.office in (sender, receiver))


def list_links(
    flows: Mapping[Flow, Counts],
    states: Iterable[SubscriberState],
    producers: Mapping[str, str],
    chosen: Chosen,
) -> list[Link]:
    """The links, those first where data do not arrive, then by the number of events.

    Args:
        flows: counts of the chosen time.
        states: the present subscriptions; none for a time that is over.
        producers: by contract, who sent its last event.
    """
    links: dict[tuple[str, str], Link] = {}
    for known, counts in flows.items():
        # What is pulled has no sender of its own: it is from who sent last.
        flow = known if known.sender else known._replace(sender=producers.get(known.contract, ""))
        if flow.sender and flow.receiver and chosen.admits(*flow):
            link = links.setdefault(flow[1:], Link(*flow[1:]))
            link.counts += counts
            link.contracts.add(flow.contract)
            link.health = max(link.health, _judge_counts(counts))
    _add_states(links, flows, states, producers, chosen)
    return sorted(links.values(), key=lambda one: (-one.health, -one.events, one.sender, one.receiver))


def _add_states(
    links: dict[tuple[str, str], Link],
    flows: Mapping[Flow, Counts],
    states: Iterable[SubscriberState],
    producers: Mapping[str, str],
    chosen: Chosen,
) -> None:
    """Judge links by the subscriptions that are there now, and add those without traffic."""
    judged: set[tuple[str, str]] = set()
    senders: dict[tuple[str, str], set[str]] = {}
    for flow in flows:
        if flow.sender and flow.receiver:
            senders.setdefault((flow.contract, flow.receiver), set()).add(flow.sender)
    for state in states:
        receiver = state.subscription.participant
        for contract in state.subscription.contracts:
            found = senders.get((contract, receiver)) or {one for one in (producers.get(contract),) if one}
            for sender in sorted(one for one in found if chosen.admits(contract, one, receiver)):
                link = links.setdefault((sender, receiver), Link(sender, receiver))
                # What stands now counts, and not what failed before somebody mended it.
                before = link.health if (sender, receiver) in judged else Health.GOOD
                link.health = max(before, _judge_state(state))
                judged.add((sender, receiver))
                link.contracts.add(contract)
                link.subscriptions.append(state.subscription.id)


def _judge_counts(counts: Counts) -> Health:
    if counts.dead or (counts.failed and not counts.delivered):
        return Health.BAD
    return Health.WARN if counts.failed else Health.GOOD


def _judge_state(state: SubscriberState) -> Health:
    if state.subscription.state is SubscriptionState.DISABLED:
        return Health.BAD
    if state.subscription.state is SubscriptionState.PAUSED:
        return Health.IDLE
    if state.health.failing_since is not None:
        return Health.BAD
    return Health.WARN if state.is_troubled else Health.GOOD


def list_offices(links: Sequence[Link]) -> list[str]:
    """The participants of links by name."""
    return sorted({name for one in links for name in (one.sender, one.receiver)})
