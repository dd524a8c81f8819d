"""A client of the bus, as an app developer writes one: authlib for tokens, the CloudEvents SDK for events, httpx below."""

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
"""Seconds that a feed is asked to wait for something new."""

_AGAIN: Final = frozenset({429, 503})
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bus's answer to what it does not take (RFC 9457).

    Attributes:
        pointer: JSON Pointer of the first thing that is wrong; empty where the refusal is not about a field.
    """

    status: int
    title: str
    pointer: str
    detail: str


class Refused(Exception):
    """The bus refuses a request; the same request will be refused again."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.title}: {refusal.pointer} {refusal.detail}")
        self.refusal = refusal


class Bus:
    """Publishes, subscribes, reads feeds and records, asks; gets its tokens by itself. Use as an async context manager.

    Args:
        url: where the bus is.
        client_id, client_secret: of the app's OAuth client.
    """

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        # With the endpoint and the grant known, authlib renews the token by itself before it expires.
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
        """Send events; they are safe once this returns. Sending one again, after a lost answer, changes nothing.

        Raises:
            Refused: one of them is not as its contract says; of a batch, none was taken.
        """
        events = [cloud_event(item) for item in items]
        match mode:
            case Mode.BATCH:
                await self._send(batch(events))
            case Mode.STRUCTURED:
                for event in events:
                    await self._send(to_structured_event(event))
            case Mode.BINARY:
                for event in events:
                    await self._send(to_binary_event(event))

    async def _send(self, message: HTTPMessage) -> None:
        await self._call("POST", "/v1/events", content=message.body, headers=message.headers)

    async def subscribe(self, contracts: Sequence[str], url: str) -> str:
        """Have the contracts' events sent to a webhook, from the beginning on; the secret that they are signed with."""
        wanted = {"contracts": list(contracts), "sink": {"url": url}, "from": "beginning"}
        answer = await self._call("POST", "/v1/subscriptions", json=wanted)
        return str(answer["secret"])

    async def feed(self, contract: str, after: str | None) -> tuple[list[dict[str, Any]], str]:
        """The events after a cursor (None: from the beginning), and the next cursor; waits when there are none yet."""
        where = {"wait": LONGEST_WAIT} | ({"after": after} if after else {})
        answer = await self._call("GET", f"/v1/feeds/{contract}", params=where)
        return answer["events"], answer["next"]

    async def records(self, contract: str) -> list[dict[str, Any]]:
        """The newest event of every record."""
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
        """One request, tried again while the bus is away or busy."""

        # Without arguments: the library logs the arguments of what it tries again, and these hold personal data.
        @stamina.retry(on=_is_passing, attempts=_TRIES, timeout=None, wait_initial=0.2)
        async def answer() -> dict[str, Any]:
            return _read(await self._http.request(method, path, **request))

        return await answer()


def _is_passing(error: Exception) -> bool:
    """Whether the same request may succeed later: the bus is away, or busy."""
    if isinstance(error, Refused):
        return error.refusal.status in _AGAIN
    return isinstance(error, httpx.TransportError)


def cloud_event(item: Item) -> CloudEvent:
    """The event that says an item."""
    attributes = {"id": item.id, "source": item.source, "type": item.contract}
    if item.data is not None:
        attributes["datacontenttype"] = "application/json"
    if item.subject is not None:
        attributes["subject"] = item.subject
    return CloudEvent(attributes, item.data)


def batch(events: Sequence[CloudEvent]) -> HTTPMessage:
    """Events in batched mode, which the SDK does not write: a JSON array of events in structured mode."""
    body = b"[" + b",".join(to_structured_event(event).body for event in events) + b"]"
    return HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)


def _read(response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    if response.is_error:
        wrong = next(iter(answer.get("errors", ())), {"pointer": "", "detail": answer.get("detail", "")})
        raise Refused(Refusal(response.status_code, str(answer.get("title")), wrong["pointer"], wrong["detail"]))
    return answer
