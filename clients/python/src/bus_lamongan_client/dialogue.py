"""What the client says to the bus, and how it goes on with each answer. This module does no I/O.

Each method is a generator. It yields a `Request` and is sent the `Response`, or None if none came; or it yields a `Pause`.
`Bus` and `AsyncBus` do what it yields.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from bus_lamongan_client.answers import (
    BatchReceipt,
    Page,
    Receipt,
    Response,
    read_answer,
    read_batch_receipt,
    read_page,
    read_receipt,
    read_token,
)
from bus_lamongan_client.errors import Unreachable
from bus_lamongan_client.events import Event, complete_event, write_json

TRIES: Final = 5
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
"""Seconds. A longer `Retry-After` is told to the caller instead."""
TIMEOUT: Final = 30.0
LIMIT: Final = 1000
"""Events in a page."""
_MARGIN: Final = 30.0
"""Seconds before its end at which a token is renewed."""

_Value = TypeVar("_Value")
_Step = TypeVar("_Step")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to the bus.

    Attributes:
        path: with the query.
        timeout: seconds without a byte after which the request has failed.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = TIMEOUT


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Receive:
    """The wish for the next part of a stream. The answer is None at the end, and if the line broke."""


@dataclass(frozen=True, slots=True)
class Done(Generic[_Value]):
    """The result of an exchange."""

    value: _Value


Exchange = Generator[Request | Pause, Response | None, _Value]


def advance(exchange: Generator[_Step, _Answer, _Value], answer: _Answer) -> _Step | Done[_Value]:
    """The next step of an exchange, after the answer to its last step."""
    try:
        return exchange.send(answer)
    except StopIteration as end:
        return Done(end.value)


class Dialogue:
    """Holds the credentials and the token of one client of the bus.

    Args:
        source: `source` of events that have none of their own.
        random: spreads the retries.
    """

    def __init__(self, client_id: str, client_secret: str, source: str, random: Random) -> None:
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self.source = source
        self._basic = f"Basic {b64encode(pair.encode()).decode()}"
        self._random = random
        self._token = ""
        self._renew_at = 0.0

    def publish(self, event: Event) -> Exchange[Receipt]:
        """Publish one event."""
        text = write_json(complete_event(event, self.source))
        request = post("/v1/events", text, "application/cloudevents+json")
        return (yield from self.call(request, read_receipt))

    def publish_batch(self, events: Sequence[Event], *, partial: bool) -> Exchange[BatchReceipt]:
        """Publish a batch."""
        texts = [write_json(complete_event(event, self.source)) for event in events]
        return (yield from self.publish_texts(texts, partial=partial))

    def publish_texts(self, texts: Sequence[str], *, partial: bool) -> Exchange[BatchReceipt]:
        """Publish a batch of events that are JSON already."""
        path = "/v1/events?partial=true" if partial else "/v1/events"
        request = post(path, f"[{','.join(texts)}]", "application/cloudevents-batch+json")
        return (yield from self.call(request, read_batch_receipt))

    def read_feed(self, contract: str, after: str, wait: int, limit: int) -> Exchange[Page]:
        """Read one page of a feed."""
        path = f"/v1/feeds/{quote(contract, safe='')}?limit={limit}&after={quote(after, safe='')}"
        request = Request("GET", f"{path}&wait={wait}" if wait else path, timeout=TIMEOUT + wait)
        return (yield from self.call(request, lambda answer: read_page(answer, "events")))

    def read_records(self, contract: str, after: str, limit: int) -> Exchange[Page]:
        """Read one page of records."""
        path = f"/v1/records/{quote(contract, safe='')}?limit={limit}&after={quote(after, safe='')}"
        return (yield from self.call(Request("GET", path), lambda answer: read_page(answer, "records")))

    def ask(self, contract: str, question: Mapping[str, Any]) -> Exchange[dict[str, Any]]:
        """Ask a query."""
        request = post(f"/v1/queries/{quote(contract, safe='')}", write_json(question))
        return (yield from self.call(request, lambda answer: answer))

    def call(self, request: Request, read: Callable[[dict[str, Any]], _Value]) -> Exchange[_Value]:
        """What `read` makes of the answer. Every request is safe to repeat: an event is known by its id."""
        tries = 0
        while True:
            try:
                response = yield from self.send(request)
                return read(read_answer(response))
            except Unreachable as failure:
                tries += 1
                yield self.choose_pause(tries, failure)

    def send(self, request: Request) -> Exchange[Response]:
        """The answer to a request with a token. A token that the bus no longer knows is renewed once.

        Raises:
            Unreachable: no answer came.
        """
        is_renewed = False
        while True:
            token = yield from self._authorise()
            response = yield replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
            if response is None:
                raise Unreachable("The connection to the bus broke.")
            if response.status != 401 or is_renewed:
                return response
            is_renewed, self._token = True, ""

    def choose_pause(self, tries: int, failure: Unreachable) -> Pause:
        """The pause before the next try.

        Raises:
            Unreachable: there is no next try.
        """
        seconds = choose_pause(tries, failure.retry_after, self._random)
        if seconds is None:
            raise failure
        return Pause(seconds)

    def _authorise(self) -> Exchange[str]:
        """A token that lasts long enough for a request."""
        asked_at = time.monotonic()
        if not self._token or asked_at >= self._renew_at:
            headers = {"authorization": self._basic, "content-type": "application/x-www-form-urlencoded"}
            response = yield Request("POST", "/oauth/token", headers, b"grant_type=client_credentials")
            if response is None:
                raise Unreachable("The connection to the bus broke.")
            self._token, seconds = read_token(response)
            self._renew_at = asked_at + seconds - _MARGIN
        return self._token


def choose_pause(tries: int, retry_after: float | None, random: Random) -> float | None:
    """Seconds before the next try; None: give up.

    Full jitter after Brooker, "Exponential Backoff And Jitter" (2015), so that apps which failed together spread out.

    Args:
        tries: failed so far.
        retry_after: what the bus asks for.
    """
    if tries >= TRIES or (retry_after or 0) > LONGEST_PAUSE:
        return None
    if retry_after is not None:
        return retry_after
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries))


def post(path: str, text: str, content_type: str = "application/json") -> Request:
    """A request that brings a document."""
    return Request("POST", path, {"content-type": content_type}, text.encode())
