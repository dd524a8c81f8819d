"""A flow: one contract's events from their publishers to one consumer, what should arrive of them, and what did."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from samples.grants import Leaves, covers, leaves


class Way(Enum):
    """How a consumer gets it."""

    WEBHOOK = "webhook"
    FEED = "feed"
    RECORDS = "records"
    ADAPTER = "adapter"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One arrival, as the sample data and the grant have it.

    Attributes:
        shown: the leaves of the data, exactly; None where they are not compared.
        deleted: it is a deletion, without data.
        at_least: leaves that the data have in the end; an earlier state may come before.
        within: pointers of all that the data may have; None: anything.
        hidden: texts that must occur nowhere in it, envelope included.
    """

    shown: Leaves | None = None
    deleted: bool = False
    at_least: Leaves = field(default_factory=dict)
    within: tuple[str, ...] | None = None
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that a receiver got: a CloudEvent, or what an agency was sent.

    Attributes:
        key: what it is known by to the flow.
        document: the CloudEvent; empty at an agency, which has its own form.
    """

    key: str
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """What should arrive at one consumer under one contract.

    Attributes:
        published: how many events the publishers say, or rows the agency lists.
        known_by: the attribute of an event that `wanted` is keyed by; `content`: what it shows, for a consumer who gets no id of
            the sender's. What an agency says is known by its record, since how often it changes is the agency's affair.
    """

    contract: str
    publishers: tuple[str, ...]
    consumer: str
    way: Way
    published: int
    wanted: Mapping[str, Wanted]
    known_by: str = "id"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a flow.

    Attributes:
        arrived: how many of the wanted are there, each counted once.
        missing: what is not there, by key.
        wrong: what is there and should not be: an event too many, a field too many, another value.
    """

    flow: Flow
    arrived: int
    missing: Sequence[str]
    wrong: Sequence[str]

    @property
    def is_complete(self) -> bool:
        """Whether all that should arrive did, and nothing else."""
        return not self.missing and not self.wrong


def judge(flow: Flow, arrivals: Iterable[Arrival], *, alone: bool = True) -> Verdict:
    """Compare; of several arrivals of one key the last counts for its data.

    Args:
        alone: nobody but the sample apps publishes. Otherwise somebody tries the bus out by hand, and what that brings is
            no fault.
    """
    newest = {arrival.key: arrival for arrival in arrivals}
    extra = [key for key in newest if key not in flow.wanted and (alone or _is_said_by(flow.publishers, newest[key]))]
    there = {key: newest[key].document for key in flow.wanted if key in newest}
    missing = [key for key, wanted in flow.wanted.items() if key not in there or not _is_final(wanted, there[key])]
    wrong = [f"{key}: not meant for {flow.consumer}" for key in extra]
    wrong += [f"{key}: {fault}" for key, document in there.items() for fault in _faults(flow.wanted[key], document)]
    return Verdict(flow, len(flow.wanted) - len(missing), missing, wrong)


def _is_said_by(publishers: Iterable[str], arrival: Arrival) -> bool:
    return any(str(arrival.document.get("source")).startswith(f"/{publisher}/") for publisher in publishers)


def _is_final(wanted: Wanted, document: Mapping[str, Any]) -> bool:
    found = dict(leaves(document.get("data")))
    return all(at in found and found[at] == value for at, value in wanted.at_least.items())


def _faults(wanted: Wanted, document: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with an arrival; names fields, not values."""
    data = document.get("data")
    found = dict(leaves(data))
    if wanted.deleted and data is not None:
        yield "has data, where a deletion was said"
    if wanted.shown is not None:
        yield from (f"{at} is outside the grant" for at in found.keys() - wanted.shown.keys())
        yield from (f"{at} is missing" for at in wanted.shown.keys() - found.keys())
        yield from (
            f"{at} has another value" for at in wanted.shown.keys() & found.keys() if wanted.shown[at] != found[at]
        )
    if wanted.within is not None:
        yield from (f"{at} is outside the grant" for at in found if not covers(wanted.within, at))
    text = json.dumps(document, ensure_ascii=False)
    if any(hidden in text for hidden in wanted.hidden):
        yield "shows an identifier that is hidden or masked"
