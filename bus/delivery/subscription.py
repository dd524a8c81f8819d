"""One subscription: a participant's standing order for contracts to a sink."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

from bus import json
from bus.actions import mask_url
from bus.problem import Conflict, NotFound, Refused
from bus.storage import Transaction

_TAG_BYTES: Final = 12


class SubscriptionUnknown(NotFound):
    """You have no subscription with this id."""

    slug = "subscription-unknown"


def refuse_unknown(id: str) -> SubscriptionUnknown:
    """The refusal of an id that names no subscription of the caller."""
    return SubscriptionUnknown(f"There is no subscription {id} of yours.")


class SubscriptionOfAnother(SubscriptionUnknown):
    # The caller is told what they are told of one that does not exist; the action log is told more.
    __doc__ = SubscriptionUnknown.__doc__

    lacks_authority = True


class SubscriptionChanged(Refused):
    """The subscription is no longer what If-Match names; read it again."""

    status = 412
    slug = "subscription-changed"


class SinkKindFixed(Conflict):
    """A subscription keeps its kind of sink, pulled or sent to; make a new subscription for the other kind."""

    slug = "sink-kind-fixed"


class NotPulled(Conflict):
    """The bus sends the events of this subscription to its sink; subscribe with `{"pull": true}` to pull."""

    slug = "not-pulled"


class NothingSigned(Conflict):
    """A subscription that is pulled has no secret: the bus signs nothing for it."""

    slug = "nothing-signed"


class SubscriptionPaused(Conflict):
    """Nothing is pulled from a subscription that is paused; resume it."""

    slug = "subscription-paused"


class ReplayUnderWay(Conflict):
    """A replay of this subscription is under way; wait for its end."""

    slug = "replay-under-way"


class SubscriptionState(Enum):
    """Whether deliveries are handed over."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Deliveries are made and wait."""
    DISABLED = "disabled"
    """The webhook answered 410 Gone. Deliveries are made and wait, until somebody resumes it or gives it another sink."""

    @property
    def reason(self) -> str | None:
        """Why the bus put a subscription into this state, and what to do. None: its participant or the operator did so."""
        return _GONE if self is SubscriptionState.DISABLED else None


_GONE: Final = "the webhook answered 410 Gone; resume the subscription, or give it another sink"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A sink that is an app's own endpoint."""

    url: str

    @property
    def host(self) -> str:
        """The host, with its port if the address names one. An address may hold a secret elsewhere, and it is left out."""
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2]

    def document(self) -> dict[str, str]:
        """As the API writes it."""
        return {"url": self.url}

    def told(self) -> dict[str, str]:
        """As the action log shows it: without the secrets that an address may hold."""
        return {"url": mask_url(self.url)}


@dataclass(frozen=True, slots=True)
class AgencySink:
    """A sink that is an operation of an agency's adapter."""

    adapter: str
    operation: str

    def document(self) -> dict[str, str]:
        """As the API writes it."""
        return {"adapter": self.adapter, "operation": self.operation}

    def told(self) -> dict[str, str]:
        """As the action log tells it."""
        return self.document()


@dataclass(frozen=True, slots=True)
class Pull:
    """A sink that is no address: the participant pulls its deliveries, and acknowledges them."""

    def document(self) -> dict[str, bool]:
        """As the API writes it."""
        return {"pull": True}

    def told(self) -> dict[str, bool]:
        """As the action log tells it."""
        return self.document()


Sink = Webhook | AgencySink | Pull


def write_sink(sink: Sink) -> str:
    """A sink as its column holds it. `statements.DUE_SUBSCRIPTIONS` knows how a sink that is pulled begins."""
    return json.dumps(sink.document()).decode()


def read_sink(text: str) -> Sink:
    """The sink that `write_sink` wrote."""
    document = json.loads(text)
    if "pull" in document:
        return Pull()
    return Webhook(document["url"]) if "url" in document else AgencySink(document["adapter"], document["operation"])


@dataclass(frozen=True, slots=True)
class Subscription:
    """One standing order.

    Attributes:
        number: names it in the database and the broker; never used twice.
        id: names it in the API.
        filters: CloudEvents filter expressions over context attributes as the consumer sees them; all must hold.
        ordered_by: JSON Pointer into the data; events with the same value there are delivered in order. None, or a field that a
            grant does not show any more: the contract's own order.
        from_position: later events are delivered as they come; None until the relay has caught up.
        replay_position: deliveries are being made for events after it, up to `replay_until`.
        secrets: what webhooks are signed with, the newest first.
        sink_set_by: who set the sink, if not the participant.
        old_secret_ends: when the next of its old secrets ends; None: it has no old secret.
        hastened_at: a circuit that opened before this moment (microseconds) holds nothing back.
    """

    number: int
    id: str
    participant: str
    contracts: tuple[str, ...]
    sink: Sink
    filters: tuple[Mapping[str, Any], ...]
    ordered_by: str | None
    state: SubscriptionState
    from_position: int | None
    replay_position: int | None
    replay_until: int | None
    secrets: tuple[str, ...]
    created_at: datetime
    sink_set_by: str | None
    hastened_at: int = 0
    old_secret_ends: datetime | None = None

    @property
    def tag(self) -> str:
        """Names what its owner can change: equal settings have equal tags. What the bus does with it changes no tag."""
        settings = [self.id, self.contracts, self.sink.document(), self.filters, self.ordered_by, self.state.value]
        return blake2b(json.dump_canonical(settings), digest_size=_TAG_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a subscription is made from; see `Subscription`."""

    participant: str
    contracts: Sequence[str]
    sink: Sink
    filters: Sequence[Mapping[str, Any]] = ()
    ordered_by: str | None = None
    after: int = 0
    """Deliver the events after this position."""


AlsoWrite = Callable[[Transaction, Subscription], None]
"""Writes more in the transaction that makes a subscription."""


def write_nothing_more(transaction: Transaction, subscription: Subscription) -> None:
    """Write nothing besides the subscription."""
