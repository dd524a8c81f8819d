"""A bus at an address, for commands that work from any machine: with a client's credentials, over HTTP.

It imports no room of the server.
"""

import os
import re
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bus import json
from bus.problem import FieldError, Refused

_NAMES: Final = {"BUS_URL": "url", "BUS_CLIENT_ID": "client_id", "BUS_CLIENT_SECRET": "client_secret"}
_LINE: Final = re.compile(r"^(?:export\s+)?([A-Z_]+)=(.*)$", re.MULTILINE)
_TIMEOUT: Final = 30.0
_MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of an answer that is read as a whole. The bus takes events of 10 MiB at most."""
STREAMED: Final = {"bus.streamed": True}
"""Extensions of a request whose answer the caller reads in parts, if it is a success."""


class NoCredentials(Refused):
    """The command needs a bus's address and a client; give them in the environment or in a file."""

    slug = "no-credentials"


class BusAway(Refused):
    """No bus answers at this address; start it, or correct the address."""

    status = 503
    slug = "bus-away"


class AnswerTooLarge(BusAway):
    """What answers sends more than a bus does; see that BUS_URL is a bus's address."""


class BusRefuses(Refused):
    """The bus refuses a request; its own words say why.

    Attributes:
        type: the problem's type.
        following: the cursor that goes on behind events that are gone; empty: the problem names none.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        detail = str(problem.get("detail") or problem.get("title") or f"The bus answered {status}.")
        super().__init__(detail, errors=_read_errors(problem))
        self.type = str(problem.get("type", ""))
        self.following = str(problem.get("next") or "")

    @property
    def reason(self) -> str:
        """The first error, which is more exact than the detail; else the detail."""
        return self.errors[0].detail if self.errors else self.detail


def _read_errors(problem: Mapping[str, Any]) -> list[FieldError]:
    """A problem's errors; none of a list that no bus wrote, such as a proxy's."""
    found = problem.get("errors")
    told = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [FieldError(str(one["pointer"]), str(one["detail"])) for one in told if {"pointer", "detail"} <= one.keys()]


@dataclass(frozen=True, slots=True)
class Access:
    """Where a bus is, and a client of it."""

    url: str
    client_id: str
    client_secret: str


def find_access(url: str | None, file: Path | None) -> Access:
    """The access that options, a file and the environment name, the first of them that has a value.

    Raises:
        NoCredentials: the address, the id or the secret is missing, or the file cannot be read.
    """
    found = {field: os.environ.get(name, "") for name, field in _NAMES.items()}
    if file is not None:
        found |= {field: value for field, value in _read_file(file).items() if value}
    if url:
        found["url"] = url
    missing = [name for name, field in _NAMES.items() if not found[field]]
    if missing:
        raise NoCredentials(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Set them, or name a file by --credentials. "
            "`bus dev` prints them, and writes them to .bus-dev/NAME.env."
        )
    if not _is_address(found["url"]):
        raise NoCredentials("BUS_URL should be an address such as http://127.0.0.1:8080.")
    return Access(found["url"].rstrip("/"), found["client_id"], found["client_secret"])


def _is_address(url: str) -> bool:
    try:
        parsed = urlsplit(url)
        return parsed.scheme in ("http", "https") and bool(parsed.hostname) and parsed.port != 0
    except ValueError:
        return False


def _read_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text()
        if text.lstrip().startswith("{"):
            return {field: str(value) for field, value in json.loads(text).items() if field in _NAMES.values()}
        return {_NAMES[name]: "".join(shlex.split(value)) for name, value in _LINE.findall(text) if name in _NAMES}
    except (OSError, ValueError):
        raise NoCredentials(f"{path} holds no client: neither JSON nor lines such as BUS_CLIENT_ID=….") from None


def open_bus(access: Access) -> httpx.AsyncClient:
    """An HTTP client of the bus, which gets its tokens itself."""
    return httpx.AsyncClient(base_url=access.url, auth=_Tokens(access), timeout=_TIMEOUT)


def open_blocking_bus(access: Access) -> httpx.Client:
    """As `open_bus`, for a command that does one thing after another. No answer fills the memory."""
    # Hooks, since a transport of our own would pass the environment's proxies by.
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_ask_for_little], "response": [_bound]}
    return httpx.Client(base_url=access.url, auth=_Tokens(access), timeout=_TIMEOUT, event_hooks=hooks)


def _ask_for_little(request: httpx.Request) -> None:
    """Ask for an answer that is not packed: it could be a thousand times larger than it looks. A stream is read in parts."""
    request.headers["accept-encoding"] = "gzip" if _is_streamed(request) else "identity"


def _bound(answer: httpx.Response) -> None:
    """End an answer that is larger than a bus's. One that the caller reads in parts may have any size."""
    host = answer.request.url.host
    coding = answer.headers.get("content-encoding", "identity").lower()
    if coding != "identity" and not (coding == "gzip" and _is_streamed(answer.request)):
        raise AnswerTooLarge(f"What answers at {host} packs its answers though nobody asked for it.")
    is_read_in_parts = answer.is_success and _is_streamed(answer.request)
    if isinstance(answer.stream, httpx.SyncByteStream) and not is_read_in_parts:
        answer.stream = _BoundedStream(answer.stream, host)


def _is_streamed(request: httpx.Request) -> bool:
    return request.extensions.keys() >= STREAMED.keys()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, host: str) -> None:
        self._stream = stream
        self._host = host

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > _MOST_BYTES:
                raise AnswerTooLarge(
                    f"What answers at {self._host} sends more than a bus does; see that BUS_URL is right."
                )
            yield part

    def close(self) -> None:
        self._stream.close()


async def call(bus: httpx.AsyncClient, method: str, path: str, **request: Any) -> Any:
    """The JSON in the bus's answer; None if the answer has no content.

    Raises:
        BusAway: no answer came, or none of a bus that is well.
        BusRefuses: the bus says no.
    """
    try:
        answer = await bus.request(method, path, **request)
    except httpx.RequestError:
        raise BusAway(f"No bus answers at {bus.base_url}; start it, or correct BUS_URL.") from None
    return read_answer(answer)


def read_answer(answer: httpx.Response) -> Any:
    """The JSON in an answer; None without content.

    Raises:
        BusAway, BusRefuses: as `call`.
    """
    try:
        document = json.loads(answer.content) if answer.content else None
    except ValueError:
        document = {}
    if answer.is_success and document != {}:
        return document
    problem = document if isinstance(document, dict) else {}
    if answer.is_client_error and answer.status_code not in (408, 429):
        raise BusRefuses(answer.status_code, problem)
    raise BusAway(str(problem.get("detail") or f"The bus at {answer.url.host} answered {answer.status_code}."))


class _Tokens(httpx.Auth):
    """Gives each request an access token, and renews it when the bus no longer takes it."""

    requires_response_body = True

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token; once more with a new one after a 401."""
        if not self._token:
            yield from self._renew()
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            yield from self._renew()
            request.headers["authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self) -> Generator[httpx.Request, httpx.Response, None]:
        access = self._access
        basic = httpx.BasicAuth(access.client_id, access.client_secret)
        asked = httpx.Request("POST", f"{access.url}/oauth/token", data={"grant_type": "client_credentials"})
        answer = yield next(basic.auth_flow(asked))
        if answer.status_code in (400, 401):
            raise NoCredentials(
                "The bus does not know this client, or its secret is wrong; check BUS_CLIENT_ID and BUS_CLIENT_SECRET."
            )
        found = read_answer(answer)
        if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
            raise BusAway(f"What answers at {access.url} gives no token; see that BUS_URL is a bus's address.")
        self._token = found["access_token"]
