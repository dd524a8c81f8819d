"""A flow: one contract's events to one consumer, what should arrive, and what did arrive."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from samples.grants import Leaves, covers, list_leaves


class Way(Enum):
    """How a consumer gets events."""

    WEBHOOK = "webhook"
    FEED = "feed"
    RECORDS = "records"
    ADAPTER = "adapter"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One arrival that the sample data and the grant demand.

    Attributes:
        shown: all leaves of the data; None: the check does not compare them.
        deleted: whether the arrival is a deletion, without data. A record may be read before it is deleted.
        at_least: leaves that the data have at the end; an earlier state may arrive before.
        within: pointers of the fields that the data may have; None: any field.
        hidden: texts that must occur nowhere in the event, with its envelope.
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
        key: the arrival's key in the flow's `wanted`.
        document: the CloudEvent; empty at an agency, which gets its own form.
    """

    key: str
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """What should arrive at one consumer under one contract.

    Attributes:
        contract: the contract's name.
        publishers: the participants that publish the events.
        consumer: the participant that gets the events.
        way: how the consumer gets the events.
        published: the number of events that the publishers send, or of rows that the agency lists.
        wanted: key to the arrival that should come.
        known_by: the event's attribute that is the key in `wanted`. `content`: all that the event shows, for a consumer
            who gets another id than the sender's. `subject`: the record, since an agency may change a row at any time.
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
        flow: the flow.
        arrived: the number of wanted arrivals that came, each counted once.
        missing: keys of the wanted arrivals that did not come.
        wrong: what should not be: an extra event, an extra field, another value.
    """

    flow: Flow
    arrived: int
    missing: Sequence[str]
    wrong: Sequence[str]

    @property
    def is_complete(self) -> bool:
        """Whether everything wanted arrived, and nothing else."""
        return not self.missing and not self.wrong


def judge(flow: Flow, arrivals: Iterable[Arrival], *, alone: bool = True) -> Verdict:
    """The verdict on a flow. Of several arrivals with one key, the last one counts.

    Args:
        flow: the flow.
        arrivals: the arrivals at the flow's consumer.
        alone: True: only the sample apps publish. False: somebody may try the bus by hand, and such events are no fault.
    """
    newest = {arrival.key: arrival for arrival in arrivals}
    extra = [key for key in newest if key not in flow.wanted and (alone or _is_said_by(flow.publishers, newest[key]))]
    there = {key: newest[key].document for key in flow.wanted if key in newest}
    missing = [
        key for key, wanted in flow.wanted.items() if key not in there or not _is_final(flow.way, wanted, there[key])
    ]
    wrong = [f"{key}: not meant for {flow.consumer}" for key in extra]
    wrong += [
        f"{key}: {fault}"
        for key, document in there.items()
        for fault in _find_faults(flow.way, flow.wanted[key], document)
    ]
    return Verdict(flow, len(flow.wanted) - len(missing), missing, wrong)


def _is_said_by(publishers: Iterable[str], arrival: Arrival) -> bool:
    return any(str(arrival.document.get("source")).startswith(f"/{publisher}/") for publisher in publishers)


def _is_final(way: Way, wanted: Wanted, document: Mapping[str, Any]) -> bool:
    if way is Way.RECORDS and wanted.deleted and document.get("data") is not None:
        return False
    found = dict(list_leaves(document.get("data")))
    return all(at in found and found[at] == value for at, value in wanted.at_least.items())


def _find_faults(way: Way, wanted: Wanted, document: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with an arrival. The texts name fields, never values."""
    data = document.get("data")
    found = dict(list_leaves(data))
    if wanted.deleted and data is not None and way is not Way.RECORDS:
        yield "has data, but should be a deletion"
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
