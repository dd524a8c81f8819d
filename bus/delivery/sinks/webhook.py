"""The webhook sink: posts CloudEvents to an app's own endpoint, over https."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import aiohttp
from yarl import URL

from bus import clock
from bus.adapter import Outcome
from bus.delivery import failure, retry
from bus.delivery.address import Network
from bus.delivery.sinks.connection import Resolver, connector

CONNECT_SECONDS = 5.0
DRAIN_BYTES = 64 * 1024
DRAIN_SECONDS = 1.0

_HEADERS = {"content-type": "application/cloudevents+json", "user-agent": "bus-lamongan"}

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def trace_headers(traceparent: object) -> dict[str, str]:
    """The header that carries an event's trace on (W3C Trace Context), none when the event has none that is well formed."""
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        return {"traceparent": traceparent}
    return {}


class WebhookSink:
    """Sends to every webhook of a process. Made and used on the event loop; `close` it at the end."""

    def __init__(self, allowed: Sequence[Network], timeout: float = 15.0) -> None:
        """`allowed`: networks where sinks may be private or plain http; `timeout`: seconds for one request, all in all."""
        self._resolver = Resolver()
        self._https = self._session(allowed, timeout, plain=False)
        self._http = self._session(allowed, timeout, plain=True)

    def _session(self, allowed: Sequence[Network], timeout: float, *, plain: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector(allowed, self._resolver, plain=plain),
            timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_SECONDS, timeout)),
            headers=_HEADERS,
            # What one delivery is told must not be told in another; an answer is never unpacked (bombs).
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post one event.

        Args:
            url: the sink's, as `address.check_url` let it in.
            body: the CloudEvent in its JSON format.
            headers: of this delivery, lower case: those of `signature.Signer.headers` and of `trace_headers`.
        """
        target = URL(url)
        session = self._http if target.scheme == "http" else self._https
        try:
            async with session.post(target, data=body, headers=headers, allow_redirects=False) as answer:
                if not answer.content.is_eof():
                    await _drain(answer)
                return _outcome(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            return failure.of_error(error)

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._https.close()
        await self._http.close()
        await self._resolver.close()


def _outcome(answer: aiohttp.ClientResponse) -> Outcome:
    return failure.of_status(answer.status, retry.retry_after(answer.headers.get("retry-after"), clock.now()))


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read the answer's body away, so that the connection can be used again; of a long or slow one it is closed instead."""
    left = DRAIN_BYTES
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0 and (chunk := await answer.content.readany()):
                left -= len(chunk)
    except (aiohttp.ClientError, TimeoutError):
        # The status has come and decides; what the body wanted to add does not matter.
        answer.close()
