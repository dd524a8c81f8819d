"""The SPLP gateway (WSO2 API Manager): calls an API with an OAuth2 token. Every fault becomes an `AgencyFault`.

An adapter calls an API behind SPLP through `Gateway`. Sources: RFC 6749, section 4.4 (client credentials); the error handling
reference of WSO2 API Manager (codes 700700, 900800 to 900999, 101000 to 101599, 303000 to 303102).
"""

import asyncio
import math
import re
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from bus.clock import now
from bus.kit.answer import parse_object, read_beginning
from bus.kit.exchange import make_status_fault, send_request
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault
from bus.kit.settings import AdapterSettings
from bus.kit.waiting import read_next_access

_THROTTLED = (Failure.TRANSIENT, "throttled")
_BLOCKED = (Failure.SINK_DOWN, "the gateway blocks the API or the application")
_REFUSED = (Failure.SINK_DOWN, "the gateway refuses a fresh token")
_SUSPENDED = (Failure.SINK_DOWN, "the gateway has suspended the API's endpoint")
_BROKEN = (Failure.TRANSIENT, "the connection to the API's backend broke")

_FAULTS: Mapping[str, tuple[Failure, str]] = {
    "700700": _BLOCKED,
    **dict.fromkeys(("900800", "900801", "900802", "900803", "900804", "900806", "900807"), _THROTTLED),
    "900805": _BLOCKED,
    "900900": (Failure.TRANSIENT, "the gateway could not check the token"),
    **dict.fromkeys(("900901", "900903", "900904", "900905"), _REFUSED),
    "900902": (Failure.SINK_DOWN, "the gateway saw no credentials"),
    "900906": (Failure.SINK_DOWN, "the API has no such resource"),
    "900907": _BLOCKED,
    "900908": (Failure.SINK_DOWN, "the application is not subscribed to this API"),
    "900909": (Failure.SINK_DOWN, "the application's subscription to this API is inactive"),
    "900910": (Failure.SINK_DOWN, "the token lacks a scope of this API"),
    **dict.fromkeys(("303000", "303001", "303100", "303102"), _SUSPENDED),
    **dict.fromkeys((str(code) for code in range(101000, 101002)), _BROKEN),
    **dict.fromkeys((str(code) for code in range(101500, 101511)), _BROKEN),
    "101503": (Failure.TRANSIENT, "the API's backend is down"),
    "101504": (Failure.TRANSIENT, "the API's backend timed out"),
}
"""WSO2's code to the failure and its meaning."""
_TOKEN_CODES = frozenset({"900901", "900903", "900904"})
"""Codes after which a fresh token may help."""
_TOKEN_ERRORS = frozenset({"invalid_client", "unauthorized_client", "invalid_grant", "access_denied"})
"""OAuth errors (RFC 6749, 5.2) that blame the application's key or secret."""
_XML_FAULT = re.compile(r"<(\w+:)?fault\b", re.IGNORECASE)
_CODE = re.compile(r"code\W{1,6}(\d{6})\b", re.IGNORECASE)
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
"""A token that a header can hold: visible ASCII, in a length that servers accept."""
_LONGEST_LIFETIME = 24 * 3600.0
_LONGEST_NUMBER = 32
_MOST_TOKEN_BYTES = 64 * 1024
_LONGEST_FAULT = 2048
_NEXT_ACCESS = re.compile(r'nextAccessTime["\s:>]+([^"<,}]+)', re.IGNORECASE)


class SplpSettings(AdapterSettings):
    """The settings of an adapter behind SPLP; `base_url` is the gateway's address."""

    consumer_key: str
    consumer_secret: SecretStr
    tenant: str | None = None
    """The tenant's domain, such as `lamongankab.go.id`; None for APIs of the gateway's own tenant."""


class Gateway:
    """Calls APIs behind SPLP. Many tasks may call at once; they share one token.

    Args:
        http: a client with the gateway's address as its base URL.
        settings: the application's key and secret, and the tenant.
        token_header: the header for `Bearer …`; `authorization`, unless the API has its own.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: SplpSettings,
        *,
        token_header: str = "authorization",  # noqa: S107  a header's name
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._prefix = f"/t/{settings.tenant}" if settings.tenant else ""
        self._token_header = token_header
        self._tokens = _Tokens(http, settings, clock)

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        also: Collection[int] = (),
        apikey: SecretStr | None = None,
    ) -> httpx.Response:
        """The API's 2xx answer to a request for `{context}/{version}/{path}`.

        The gateway may revoke a token before its end. After a 401 the call tries once more, with a fresh token.

        Args:
            apikey: the key of this API's subscription, in the header `apikey`. The call then takes no token.
            also: other statuses of the API that the caller reads itself. An answer of the gateway is a fault all the same.

        Raises:
            AgencyFault: the gateway answered with a fault, whatever the status, or the API answered no 2xx; `status` has
                the answer's status.
        """

        async def send_with(credentials: Mapping[str, str]) -> httpx.Response:
            url, fields = f"{self._prefix}/{path}", {**(headers or {}), **credentials}
            request = self._http.build_request(method, url, json=json, params=params, headers=fields)
            return await send_request(self._http, "SPLP", request)

        if apikey is None:
            response = await self._send_with_token(send_with)
        else:
            response = await send_with({"apikey": apikey.get_secret_value()})
        if is_gateway_fault(response) or not (response.is_success or response.status_code in also):
            raise make_gateway_fault(response, now())
        return response

    async def _send_with_token(
        self, send_with: Callable[[Mapping[str, str]], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        async def send(token: str) -> httpx.Response:
            try:
                return await send_with({self._token_header: f"Bearer {token}"})
            except AgencyFault:
                # The token may be the reason. The next call fetches a fresh token, so that it does not fail for the same reason.
                self._tokens.forget(token)
                raise

        token = await self._tokens.get()
        response = await send(token)
        if _refuses_token(response):
            response = await send(await self._tokens.get(refused=token))
        return response

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float


class _Tokens:
    """Holds one access token. Of many tasks that need a token, one at a time fetches it."""

    _MARGIN = 30.0
    """Seconds before a token's end at which its use stops, since the request needs time to arrive."""

    def __init__(self, http: httpx.AsyncClient, settings: SplpSettings, clock: Callable[[], float]) -> None:
        self._http = http
        account = f"{settings.consumer_key}:{settings.consumer_secret.get_secret_value()}"
        self._basic = f"Basic {b64encode(account.encode()).decode()}"
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._token: _Token | None = None

    async def get(self, *, refused: str | None = None) -> str:
        """A token that has time left, and that is not `refused`."""
        async with self._fetching:
            token = self._token
            if token is None or token.value == refused or self._clock() >= token.expires:
                token = self._token = await self._fetch()
            return token.value

    def forget(self, value: str) -> None:
        """Make the next call fetch a token, unless another call already replaced this one."""
        if self._token is not None and self._token.value == value:
            self._token = None

    async def _fetch(self) -> _Token:
        asked = self._clock()
        request = self._http.build_request(
            "POST",
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"authorization": self._basic},
        )
        response = await send_request(self._http, "SPLP", request, most_bytes=_MOST_TOKEN_BYTES)
        if response.status_code in (400, 401, 403):
            raise AgencyFault(
                Failure.SINK_DOWN, "SPLP refuses the application's key or secret", status=response.status_code
            )
        if not response.is_success:
            raise make_gateway_fault(response, now())
        return self._read(parse_object("SPLP", response), asked)

    def _read(self, answer: Mapping[str, Any], asked: float) -> _Token:
        if str(answer.get("error")) in _TOKEN_ERRORS:
            raise AgencyFault(Failure.SINK_DOWN, "SPLP refuses the application's key or secret", status=200)
        value, lifetime = answer.get("access_token"), _parse_lifetime(answer.get("expires_in", 300))
        if not isinstance(value, str) or not _TOKEN.fullmatch(value) or lifetime is None:
            raise AgencyFault(Failure.TRANSIENT, "SPLP answered without a token that can be used")
        return _Token(value, asked + max(lifetime - self._MARGIN, 1.0))


def _parse_lifetime(said: Any) -> float | None:
    """Seconds that a token lives, a day at most; None if the gateway names no positive number."""
    if isinstance(said, bool) or not isinstance(said, int | float | str) or len(str(said)) > _LONGEST_NUMBER:
        return None
    try:
        seconds = float(said)
    except ValueError:
        return None
    return min(seconds, _LONGEST_LIFETIME) if math.isfinite(seconds) and seconds > 0 else None


def make_gateway_fault(response: httpx.Response, at: datetime) -> AgencyFault:
    """The fault for an answer that is none of the API's: by WSO2's code in the body, else by the status."""
    by_status = make_status_fault("an API behind SPLP", response)
    text = read_beginning(response)
    code = _find_first(_CODE, text)
    failure, detail = by_status.failure, by_status.detail
    if code in _FAULTS:
        failure, what = _FAULTS[code]
        detail = f"SPLP {code}: {what}"
    elif response.is_success:
        failure, detail = Failure.TRANSIENT, f"SPLP answered with a fault (HTTP {response.status_code})"
    wait = by_status.retry_after or read_next_access(_find_first(_NEXT_ACCESS, text), at)
    return AgencyFault(failure, detail, retry_after=wait, status=by_status.status)


def is_gateway_fault(response: httpx.Response) -> bool:
    """Whether WSO2 itself answers that a call failed. Some installations answer so with HTTP 200."""
    text = read_beginning(response).lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return bool(_XML_FAULT.search(text))
    if not text.startswith("{") or len(response.content) > _LONGEST_FAULT:
        return False
    try:
        answer = parse_object("SPLP", response)
    except AgencyFault:
        return False
    if isinstance(answer.get("fault"), dict):
        return True
    is_known = str(answer.get("code")) in _FAULTS and "message" in answer
    # The gateway's own 404, for an API or a path that it does not know.
    return is_known or answer.keys() == {"code", "type", "message", "description"}


def _refuses_token(response: httpx.Response) -> bool:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return True
    return is_gateway_fault(response) and _find_first(_CODE, read_beginning(response)) in _TOKEN_CODES


def _find_first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""
