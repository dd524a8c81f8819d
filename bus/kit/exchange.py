"""One HTTP exchange with an agency. Every error on the wire becomes an `AgencyFault`.

Agencies put tokens into URLs. So a fault holds no URL, header or body, and not the httpx error that holds them.
"""

import logging
import ssl
from collections.abc import AsyncIterator
from typing import cast

import httpx

from bus.clock import now
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault
from bus.kit.settings import AdapterSettings
from bus.kit.tls import get_tls_context
from bus.kit.waiting import read_retry_after

MOST_BYTES = 8 * 1024 * 1024
"""Most bytes of an answer, unpacked."""

MOST_PACKED_BYTES = MOST_BYTES // 4
"""Most bytes of a packed answer, on the wire."""

_PIECE = 4096
"""Packed bytes that the bus unpacks in one go. They become at most a thousand times as many, in some milliseconds."""
_CODINGS = "gzip, deflate"
_PACKINGS = frozenset(("gzip", "deflate", "br", "zstd"))
"""Content codings that httpx unpacks. It ignores other words, such as `utf-8`, which some installations send."""
_OF_TRANSFER = frozenset(("content-encoding", "content-length", "transfer-encoding"))


def make_http_client(
    settings: AdapterSettings,
    *,
    base_url: str | None = None,
    tls: ssl.SSLContext | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """An HTTP client for an adapter: time-outs, no redirects, a bounded pool, nothing from the environment.

    HTTP_PROXY could send persons' data through a stranger's proxy, and a .netrc could add credentials to requests.

    Args:
        settings: the adapter's settings.
        base_url: replaces the settings' `base_url`.
        tls: replaces the context that all adapters share.
        transport: opens connections instead of httpx, unless the settings name a proxy.
    """
    # httpx logs the whole URL of each request at INFO, and some agencies take their token in the query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        base_url=settings.base_url if base_url is None else base_url,
        timeout=httpx.Timeout(settings.timeout_seconds, connect=min(5.0, settings.timeout_seconds)),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        follow_redirects=False,
        trust_env=False,
        proxy=None if settings.proxy is None else settings.proxy.get_secret_value(),
        verify=get_tls_context() if tls is None else tls,
        transport=transport,
        headers={"user-agent": "bus-lamongan", "accept-encoding": _CODINGS},
    )


async def send_request(
    http: httpx.AsyncClient, agency: str, request: httpx.Request, *, most_bytes: int = MOST_BYTES
) -> httpx.Response:
    """The agency's answer, whatever its status.

    Args:
        agency: the agency's name in faults.
        most_bytes: most bytes of the answer, unpacked.

    Raises:
        AgencyFault: transient; the agency did not answer, or its answer has more than `most_bytes`.
    """
    try:
        response = await http.send(request, stream=True)
        try:
            content = await _read_content(agency, response, most_bytes)
        finally:
            await response.aclose()
    except httpx.TimeoutException as error:
        raise AgencyFault(Failure.TRANSIENT, f"{agency} did not answer in time ({type(error).__name__})") from None
    except httpx.RequestError as error:
        raise AgencyFault(Failure.TRANSIENT, f"{agency} could not be reached ({type(error).__name__})") from None
    # The content is unpacked, so these fields are no longer true.
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_TRANSFER]
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


async def _read_content(agency: str, response: httpx.Response, most_bytes: int) -> bytes:
    too_much = AgencyFault(Failure.TRANSIENT, f"{agency} answered more than {most_bytes // 1024} KiB")
    _check_packings(agency, response)
    most = min(MOST_PACKED_BYTES, most_bytes) if "content-encoding" in response.headers else most_bytes
    response.stream = _Bounded(cast("httpx.AsyncByteStream", response.stream), most, too_much)
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > most_bytes:
            raise too_much
    return bytes(content)


def _check_packings(agency: str, response: httpx.Response) -> None:
    """Refuse an answer with another coding than the request allows. Packed twice, 4 KiB can become 4 GiB."""
    named = response.headers.get_list("content-encoding", split_commas=True)
    packings = [one.strip().lower() for one in named if one.strip().lower() in _PACKINGS]
    if len(packings) > 1 or not set(packings) <= {"gzip", "deflate"}:
        raise AgencyFault(Failure.TRANSIENT, f"{agency} packed its answer in a way that the bus does not accept")


class _Bounded(httpx.AsyncByteStream):
    """A body from the wire, up to a bound. The bound is before unpacking: a packed body may yield nothing for ever."""

    def __init__(self, stream: httpx.AsyncByteStream, most: int, too_much: AgencyFault) -> None:
        self._stream = stream
        self._left = most
        self._too_much = too_much

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise self._too_much
            for start in range(0, len(chunk), _PIECE):
                yield chunk[start : start + _PIECE]

    async def aclose(self) -> None:
        await self._stream.aclose()


def require_success(agency: str, response: httpx.Response) -> None:
    """Refuse an answer that is no 2xx.

    Raises:
        AgencyFault: classed by the status.
    """
    if not response.is_success:
        raise make_status_fault(agency, response)


def make_status_fault(agency: str, response: httpx.Response) -> AgencyFault:
    """The fault for an answer other than 2xx whose body says nothing more precise."""
    failure, what = classify_status(response.status_code)
    detail = f"{agency} {what} (HTTP {response.status_code})"
    wait = read_retry_after(response.headers.get("retry-after"), now())
    return AgencyFault(failure, detail, retry_after=wait, status=response.status_code)


def classify_status(status: int) -> tuple[Failure, str]:
    """The failure for an HTTP status other than 2xx, and its meaning in words."""
    if status in (401, 403):
        return Failure.SINK_DOWN, "refuses the bus's account"
    if status == 407:
        return Failure.SINK_DOWN, "is behind a proxy that refuses the bus's account"
    if status in (408, 423, 425, 429) or status >= 500:
        return Failure.TRANSIENT, "cannot answer now"
    if status < 400 or status in (404, 405, 410, 421):
        # The client follows no redirect, and paths are fixed. So every event would fail: the address is wrong.
        return Failure.SINK_DOWN, "has nothing at the configured address"
    return Failure.PERMANENT, "refuses the request"
