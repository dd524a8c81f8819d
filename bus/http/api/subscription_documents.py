"""What subscribers send and get over HTTP: orders, changes, and subscriptions as documents."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from bus.delivery import AgencySink, Pull, Sink, Subscription, Webhook
from bus.http.values import JsonObject

_LAST_POSITION: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 8259, section 6)."""
_HTTP_URL: Final = "^[Hh][Tt][Tt][Pp][Ss]?://"
"""Schemes have no case (RFC 3986, section 3.1), and a sink is told as it was registered."""
_EXAMPLE_URL: Final = "https://pajak.lamongankab.go.id/webhooks/bus"


def _position_or_beginning(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        # To JSON, 12.0 is the number 12.
        value = int(value)
    is_position = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_POSITION
    if value != "beginning" and not is_position:
        raise ValueError('must be a position or "beginning"')
    return value


def _position_beginning_or_time(value: Any) -> Any:
    if isinstance(value, str) and value != "beginning":
        return _moment(value)
    return _position_or_beginning(value)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('must be a position, "beginning" or a time (RFC 3339)') from None
    if moment.tzinfo is None:
        raise ValueError("must be a time with its offset from UTC (RFC 3339)")
    return moment


_Position = Annotated[int, Field(ge=0, le=_LAST_POSITION)]
Start = Annotated[_Position | Literal["beginning"], BeforeValidator(_position_or_beginning)]
ReplayStart = Annotated[_Position | Literal["beginning"] | datetime, BeforeValidator(_position_beginning_or_time)]


class WebhookSink(BaseModel):
    """A sink that is an application's own endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2048, pattern=_HTTP_URL, json_schema_extra={"format": "uri"}, examples=[_EXAMPLE_URL])


class AdapterSink(BaseModel):
    """A sink that is an operation of an agency's adapter."""

    model_config = ConfigDict(extra="forbid")

    adapter: str = Field(min_length=1, max_length=100, examples=["kemendagri"])
    operation: str = Field(min_length=1, max_length=100, examples=["data-balikan"])


class PullSink(BaseModel):
    """A sink that is no address: you pull the events, and acknowledge them."""

    model_config = ConfigDict(extra="forbid")

    pull: Literal[True]


SINKS: Final = (WebhookSink, AdapterSink, PullSink)
"""Types that descriptions refer to by name."""
_SINK_SCHEMA: Final = {"anyOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in SINKS]}


class SinkDocument(BaseModel):
    """Where events go: the `url` of a webhook, the `operation` of an agency's `adapter`, or to you when you `pull`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://pajak.lamongankab.go.id/webhooks/bus"},
                {"adapter": "kemendagri", "operation": "data-balikan"},
                {"pull": True},
            ]
        },
    )

    url: str | None = Field(None, max_length=2048)
    adapter: str | None = Field(None, max_length=100)
    operation: str | None = Field(None, max_length=100)
    pull: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name, value in self if value is not None]
        if given not in (["url"], ["adapter", "operation"], ["pull"]):
            raise ValueError("must hold url, or adapter and operation, or pull")
        return self

    def sink(self) -> Sink:
        """As the delivery room knows it."""
        if self.pull:
            return Pull()
        return Webhook(self.url) if self.url is not None else AgencySink(self.adapter or "", self.operation or "")


_FILTERS: Final = {"type": "array", "items": {"$ref": "#/components/schemas/Filter"}}
Filters = Annotated[
    Annotated[list[JsonObject], WithJsonSchema(_FILTERS | {"maxItems": 50})],
    Field(max_length=50, description="CloudEvents filters over context attributes as you see them; all must hold"),
]


class SubscriptionOrder(BaseModel):
    """What is to be delivered, and where to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "contracts": ["kependudukan.penduduk"],
                    "sink": {"url": "https://pajak.lamongankab.go.id/webhooks/bus"},
                    "filters": [{"prefix": {"source": "urn:app:simpenduk"}}],
                    "ordered_by": "/nik",
                    "from": "beginning",
                }
            ]
        },
    )

    contracts: list[str] = Field(min_length=1, max_length=100, description="names of contracts, events or records")
    sink: Annotated[SinkDocument, WithJsonSchema(_SINK_SCHEMA)]
    filters: Filters = []
    ordered_by: str | None = Field(
        None, max_length=500, description="JSON Pointer into the data; absent: the contracts' own order, if any"
    )
    start: Start | None = Field(
        None, alias="from", description="the first position to deliver, or beginning; absent: what comes from now on"
    )
    participant: str | None = Field(None, description="the operator may subscribe for another participant")


class SubscriptionChange(BaseModel):
    """What is to be different."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sink": {"url": "https://pajak.lamongankab.go.id/webhooks/bus-2"}}]},
    )

    sink: Annotated[SinkDocument, WithJsonSchema(_SINK_SCHEMA)] | None = None
    filters: Filters | None = None


class ReplayOrder(BaseModel):
    """What is to be delivered again: everything from there up to now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"from": 1200}, {"from": "2026-11-24T00:00:00+07:00"}]}
    )

    start: ReplayStart = Field(alias="from", description="the first position, beginning, or when it was recorded")


class ReplayPreview(BaseModel):
    """What a replay would deliver under the grants of today."""

    events: int = Field(description="how many events")
    keys: int = Field(description="how many different keys of records these events have")
    until: int = Field(description="events up to this position were looked at")
    is_whole: bool = Field(description="false: there are more events, since a preview looks for two seconds at most")


class SubscriptionDocument(BaseModel):
    """A subscription, without its secret."""

    id: str
    participant: str
    contracts: list[str]
    sink: WebhookSink | AdapterSink | PullSink
    filters: Annotated[list[dict[str, Any]], WithJsonSchema(_FILTERS)]
    ordered_by: str | None
    state: Literal["active", "paused", "disabled"] = Field(
        description="disabled: the webhook answered 410 Gone; events wait until you resume it or give it another sink"
    )
    state_reason: str | None = Field(description="why the bus disabled it, and what to do; null otherwise")
    catching_up: bool = Field(description="deliveries of past events are still being made")
    created_at: datetime


class SubscriptionMade(SubscriptionDocument):
    """A new subscription; its secret is shown this once."""

    secret: str | None = Field(
        description="signs the webhooks (Standard Webhooks); null if you pull: nothing is signed", examples=["whsec_…"]
    )


class DeliveryCounts(BaseModel):
    """How many deliveries are in each state. Pending, dead and discarded ones are counted up to 10000: so many or more."""

    pending: int
    leased: int = Field(description="of those that are pending: under way to the sink, or held by who pulled them")
    delivered: int = Field(description="how many events the sink took, those of replays too")
    dead: int
    discarded: int


class WithheldContract(BaseModel):
    """A contract of a subscription of which nothing is delivered now."""

    contract: str
    type: str = Field(
        description="the problem that its feed answers with", examples=["urn:bus:problem:grant-suspended"]
    )
    detail: str = Field(description="why, such as who suspended the grant")


class SubscriptionDetail(SubscriptionDocument):
    """A subscription with how many of its deliveries are in each state, and what its grants withhold."""

    withheld: list[WithheldContract] = Field(description="empty: the grants let events of all its contracts through")

    deliveries: DeliveryCounts = Field(
        examples=[{"pending": 3, "leased": 1, "delivered": 1024, "dead": 0, "discarded": 0}]
    )
    oldest_pending: datetime | None = Field(
        description="when the oldest event that is pending was recorded; null: none is pending"
    )


class SubscriptionList(BaseModel):
    """A page of subscriptions, oldest first."""

    subscriptions: list[SubscriptionDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class Secret(BaseModel):
    """A new secret, shown this once; the one before signs beside it for a day, and older ones to their own ends."""

    secret: str = Field(examples=["whsec_…"])


class Redriven(BaseModel):
    """How many deliveries are due again."""

    redriven: int = Field(description="of those that were dead")
    hastened: int = Field(description="of those that waited for their next attempt")


class TrialResult(BaseModel):
    """What the sink said to an example event of type `bus.test`."""

    delivered: bool
    status: int | None = Field(description="the HTTP status, where the sink answered")
    detail: str = Field(description="what is wrong; empty where it was delivered")
    duration_ms: int


def describe_subscription(subscription: Subscription) -> dict[str, Any]:
    """The members of a `SubscriptionDocument`."""
    return {
        "id": subscription.id,
        "participant": subscription.participant,
        "contracts": list(subscription.contracts),
        "sink": subscription.sink.document(),
        "filters": list(subscription.filters),
        "ordered_by": subscription.ordered_by,
        "state": subscription.state.value,
        "state_reason": subscription.state.reason,
        "catching_up": subscription.replay_position is not None,
        "created_at": subscription.created_at,
    }
