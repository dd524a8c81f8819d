"""A client of the bus, as an app developer writes it, with authlib and the CloudEvents SDK."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx
import stamina
from authlib.integrations.httpx_client import AsyncOAuth2Client
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from samples.offices import Mode
from samples.traffic import Item

LONGEST_WAIT: Final = 20
"""Seconds that the bus waits for new events before it answers a feed's request."""

_AGAIN: Final = frozenset({429, 503})
_AGENCY_FAILS: Final = 502
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bus's refusal of a request (RFC 9457).

    Attributes:
        status: the HTTP status.
        title: the problem's title.
        pointer: JSON Pointer of the first error; empty if the refusal is not about a field.
        detail: the first error, or the problem's detail.
    """

    status: int
    title: str
    pointer: str
    detail: str


class Refused(Exception):
    """The bus refuses a request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.title}: {refusal.pointer} {refusal.detail}")
        self.refusal = refusal

    @property
    def is_of_the_agency(self) -> bool:
        """Whether the same question can be answered later: the bus, or the agency behind it, cannot answer now."""
        return self.refusal.status in _AGAIN or self.refusal.status == _AGENCY_FAILS


class Bus:
    """Publishes, subscribes, reads feeds and records, and asks. It fetches its tokens itself.

    Use it as an async context manager.

    Args:
        url: the bus's address.
        client_id, client_secret: the credentials of the app's OAuth client.
    """

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        # authlib knows the endpoint and the grant type, so it renews the token before its end.
        self._http = AsyncOAuth2Client(
            client_id,
            client_secret,
            token_endpoint=f"{url}/oauth/token",
            grant_type="client_credentials",
            base_url=url,
            timeout=LONGEST_WAIT + 10,
        )

    async def __aenter__(self) -> Self:
        await self._http.fetch_token()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def publish(self, items: Sequence[Item], mode: Mode) -> None:
        """Send events. The bus has stored them when the call returns; a repeated event changes nothing.

        Raises:
            Refused: an event does not fit its contract. Of a batch, the bus accepted no event.
        """
        events = [make_event(item) for item in items]
        match mode:
            case Mode.BATCH:
                await self._send(make_batch(events))
            case Mode.STRUCTURED:
                for event in events:
                    await self._send(to_structured_event(event))
            case Mode.BINARY:
                for event in events:
                    await self._send(to_binary_event(event))

    async def _send(self, message: HTTPMessage) -> None:
        await self._call("POST", "/v1/events", content=message.body, headers=message.headers)

    async def subscribe(self, contracts: Sequence[str], url: str) -> str:
        """Subscribe a webhook to contracts, from the journal's beginning on.

        Returns:
            The secret (`whsec_…`) with which the bus signs the events.
        """
        wanted = {"contracts": list(contracts), "sink": {"url": url}, "from": "beginning"}
        answer = await self._call("POST", "/v1/subscriptions", json=wanted)
        return str(answer["secret"])

    async def read_feed(self, contract: str, after: str | None) -> tuple[list[dict[str, Any]], str]:
        """The events after a cursor, and the next cursor. The call waits if there are no events yet.

        Args:
            contract: the feed's contract.
            after: the cursor; None: the beginning of the feed.
        """
        where = {"wait": LONGEST_WAIT} | ({"after": after} if after else {})
        answer = await self._call("GET", f"/v1/feeds/{contract}", params=where)
        return answer["events"], answer["next"]

    async def read_records(self, contract: str) -> list[dict[str, Any]]:
        """The newest event of each record."""
        found: list[dict[str, Any]] = []
        where: dict[str, str] = {}
        while True:
            page = await self._call("GET", f"/v1/records/{contract}", params=where)
            if not page["records"]:
                return found
            found += page["records"]
            where = {"after": page["next"]}

    async def ask(self, contract: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question."""
        return await self._call("POST", f"/v1/queries/{contract}", json=question)

    async def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to a request. The call tries again while the bus is away or busy."""

        # `answer` has no arguments, since the library logs arguments, and these hold personal data.
        @stamina.retry(on=_is_passing, attempts=_TRIES, timeout=None, wait_initial=0.2)
        async def answer() -> dict[str, Any]:
            return _read(await self._http.request(method, path, **request))

        return await answer()


def _is_passing(error: Exception) -> bool:
    """Whether the same request can succeed later, since the bus is away or busy."""
    if isinstance(error, Refused):
        return error.refusal.status in _AGAIN
    return isinstance(error, httpx.TransportError)


def make_event(item: Item) -> CloudEvent:
    """An item as a CloudEvent."""
    attributes = {"id": item.id, "source": item.source, "type": item.contract}
    if item.data is not None:
        attributes["datacontenttype"] = "application/json"
    if item.subject is not None:
        attributes["subject"] = item.subject
    return CloudEvent(attributes, item.data)


def make_batch(events: Sequence[CloudEvent]) -> HTTPMessage:
    """Events in batched mode: a JSON array of events in structured mode. The SDK does not write it."""
    body = b"[" + b",".join(to_structured_event(event).body for event in events) + b"]"
    return HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)


def _read(response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    if response.is_error:
        wrong = next(iter(answer.get("errors", ())), {"pointer": "", "detail": answer.get("detail", "")})
        raise Refused(Refusal(response.status_code, str(answer.get("title")), wrong["pointer"], wrong["detail"]))
    return answer
