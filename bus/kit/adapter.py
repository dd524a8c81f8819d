"""What an agency's adapter implements: the one door between the bus and the code that speaks an agency's API.

An adapter is found by the entry point `bus.adapters`, which names an `AdapterFactory`. The bus makes it when its settings
(`BUS_ADAPTERS__<AGENCY>__…`) are there, and calls its operations by the names that contracts use.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Protocol

import httpx
from pydantic import BaseModel, SecretStr, field_validator

from bus.clock import WIB as WIB
from bus.clock import local_date as local_date
from bus.clock import now as now
from bus.json import canonical as canonical
from bus.kit.classification import Classification as Classification
from bus.kit.event import Event
from bus.kit.tls import trusting
from bus.problem import Refused as Refused

_PROXY = re.compile(r"https?://([^\s/@]+@)?[^\s/@:]+(:\d{1,5})?/?", re.ASCII)


class Failure(Enum):
    """Why a delivery did not arrive, as far as it matters for what to do next."""

    TRANSIENT = "transient"
    """Time heals it: a time-out, a quota, a 5xx. Tried again with backoff."""
    PERMANENT = "permanent"
    """The same event will fail the same way: dead at once."""
    SINK_DOWN = "sink down"
    """The agency or its account is unusable for every event: the circuit opens and the queue waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event that an adapter was asked to deliver.

    Attributes:
        failure: None when the agency has it.
        detail: for the operator; never personal data, a secret or a URL with a token in it.
        retry_after: seconds that the agency asked to wait.
        status: the HTTP status, where there was one.
        is_unsent: no byte of the event left the bus, for certain. Where in doubt it is False: the event counts as disclosed.
    """

    failure: Failure | None = None
    detail: str = ""
    retry_after: float | None = None
    status: int | None = None
    is_unsent: bool = field(default=False, compare=False)


DELIVERED = Outcome()


@dataclass(frozen=True, slots=True)
class Polled:
    """One step of a poll.

    Attributes:
        events: new and changed rows as events of the operation's contract. The bus publishes them as the adapter's
            participant; an event seen before (same source and id) is a duplicate and harmless.
        cursor: where the next step goes on; kept by the bus once the events are in the journal. Opaque to the bus.
        more: whether the next step should follow at once, rather than after the operation's interval.
    """

    events: Sequence[Event]
    cursor: str | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A query as the bus hands it to an adapter.

    Attributes:
        contract: the query contract's name.
        data: the question, valid under the contract's request schema.
        participant: who asks.
        shares_cache: an answer that another participant got may be given again. Otherwise nobody may tell, not even by the time
            that an answer takes, that somebody else asked the same.
    """

    contract: str
    data: Mapping[str, Any]
    participant: str
    shares_cache: bool = False

    @property
    def cached_for(self) -> str | None:
        """For whom an answer may be kept: for a participant, or for everybody (None)."""
        return None if self.shares_cache else self.participant


class AgencyFault(Exception):
    """An agency answered badly; `failure` says what kind of bad. Adapters raise it from poll (and inside, from clients)."""

    def __init__(
        self, failure: Failure, detail: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after
        self.status = status

    def outcome(self) -> Outcome:
        """The same as the outcome of a delivery."""
        return Outcome(self.failure, self.detail, self.retry_after, self.status)


class AgencyUnavailable(Refused):
    """The agency's system did not answer; try again later."""

    status = 503
    slug = "agency-unavailable"


class AgencyRefused(Refused):
    """The agency refuses the bus's account; the operator has to mend it."""

    status = 502
    slug = "agency-refused"


class QuotaExhausted(Refused):
    """The agency's daily quota is used up; try again tomorrow."""

    status = 429
    slug = "agency-quota-exhausted"


class Adapter(Protocol):
    """Speaks one agency's API. An adapter does what its `operations` say; the bus calls no other."""

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send events (at most `Operation.batch`, already reduced to what the contract grants) to the agency.

        Returns one outcome for each event, in order. Must be idempotent: an event can come twice. A fault that concerns
        all of them may be raised as `AgencyFault` instead.
        """
        ...

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """Fetch what is new since `cursor` (None: from the beginning), one bounded step.

        Raises:
            AgencyFault: the agency could not be read; the bus tries again later from the same cursor.
        """
        ...

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """Ask the agency; the answer is checked against the contract's answer schema by the bus.

        Raises:
            Refused: `AgencyUnavailable`, `AgencyRefused`, `QuotaExhausted` or another refusal with what to do about it.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Does(Enum):
    """What an operation of an adapter does."""

    DELIVER = "deliver"
    POLL = "poll"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an adapter can do.

    Attributes:
        name: what contracts and subscriptions call it, in the agency's words (`cari-nik`, `tindak-lanjut`).
        does: which of the adapter's methods serves it.
        contract: for a poll, the contract of the events that it makes.
        interval: for a poll, seconds between steps when there is nothing more.
        batch: for a delivery, the most events in one call.
        fields: JSON Pointers of what its mapping reads of the contract's data, or writes into them: who changes a contract
            is told which of them go away.
        least: the least classification of what it carries. No contract on it may say less.
        person: JSON Pointer of the identifier of the person that the data (of a query: the question) are about.
            A contract on it must find the person there.
        definitions: names of shared definitions (`nik` is schemas/common/nik.schema.json), by the pointer of the field
            that holds one. A contract on it must declare such a field by that definition.

    Raises:
        ValueError: the data are about persons, and `person` is missing.
    """

    name: str
    does: Does
    contract: str | None = None
    interval: float = 300.0
    batch: int = 1
    fields: tuple[str, ...] = ()
    least: Classification = field(kw_only=True)
    person: str | None = field(default=None, kw_only=True)
    definitions: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        if self.least.is_about_persons and self.person is None:
            raise ValueError(f"The operation {self.name} carries personal data: name the `person` that they are about.")


class AdapterSettings(BaseModel):
    """What every adapter's settings have; each adapter subclasses it with the agency's own.

    Set as `BUS_ADAPTERS__<AGENCY>__<FIELD>`.
    """

    model_config = {"frozen": True, "extra": "forbid"}

    base_url: str
    timeout_seconds: float = 15.0
    proxy: SecretStr | None = None
    """Address of the proxy that leads to the agency, `http://[user:password@]host:port`. The environment names none."""
    poll_seconds: float | None = None
    """Overrides the interval of the adapter's polls."""
    owner: str = ""
    """The participant that decides which contracts may use the adapter; empty: the operator alone decides."""

    @field_validator("proxy")
    @classmethod
    def _is_address(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and not _PROXY.fullmatch(proxy.get_secret_value()):
            raise ValueError("must be http://host:port or https://host:port, with user:password@ where the proxy asks")
        return proxy


class AdapterFactory(Protocol):
    """What the entry point `bus.adapters` names: declares an adapter and makes it."""

    name: ClassVar[str]
    """The agency, as in the entry point and in `BUS_ADAPTERS__<AGENCY>__…`."""
    participant: ClassVar[str]
    """As whom the adapter's polled events are published: a participant's name, a producer in the contracts."""
    settings: ClassVar[type[AdapterSettings]]
    operations: ClassVar[tuple[Operation, ...]]

    def create(self, settings: Any) -> Adapter:
        """The adapter, ready to be called. `settings` is an instance of the class that `settings` names."""
        ...


def http_client(settings: AdapterSettings, *, base_url: str | None = None) -> httpx.AsyncClient:
    """The HTTP client of an adapter: time-outs everywhere, no redirects, a bounded pool, nothing from the environment.

    HTTP_PROXY would lead persons' data past whoever sets it, and a .netrc would add credentials to requests.
    """
    # httpx logs each request's whole URL at INFO, and some agencies take their token in the query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        base_url=settings.base_url if base_url is None else base_url,
        timeout=httpx.Timeout(settings.timeout_seconds, connect=min(5.0, settings.timeout_seconds)),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        follow_redirects=False,
        trust_env=False,
        proxy=None if settings.proxy is None else settings.proxy.get_secret_value(),
        verify=trusting(),
        headers={"user-agent": "bus-lamongan"},
    )


@dataclass(frozen=True, slots=True)
class Simulator:
    """A stand-in for an agency's API, named by the entry point `bus.simulators` and started by `bus simulate`.

    Attributes:
        create_app: makes the ASGI application with the given faults switched on. Beside the agency's own paths it serves
            `GET /_simulator/received`: `{"received": [...]}`, all that the agency was sent, for tests and the demo.
        faults: name and description of each `--fault`.
        settings: what `BUS_ADAPTERS__<AGENCY>__…` must hold, beside BASE_URL, for the adapter to be let in (made-up credentials).
    """

    create_app: Callable[[frozenset[str]], Any]
    faults: Mapping[str, str]
    settings: Mapping[str, str]
