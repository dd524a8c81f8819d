"""The client of one declared adapter: makes requests from expressions, sends them, and judges the answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bus.declared.auth import Auths
from bus.declared.document import AdapterDocument, ApiKey, Deliver, Poll, Push, Query, Request
from bus.declared.draft import Draft, list_expressions, make_draft
from bus.declared.mapper import Found, Judged, Mapper, Program
from bus.declared.pace import Pace
from bus.declared.verdict import find_fault
from bus.kit import MOST_BYTES, AgencyFault, Failure, send_request

_TOKEN_BYTES: Final = 64 * 1024

Watch = Callable[[Draft, httpx.Response], None]
"""Sees each exchange, for a trial."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a client speaks to, and the operator's settings for it."""

    base_url: str
    settings: Mapping[str, str]


class Wire:
    """Sends drafts to an agency, within what the agency allows."""

    def __init__(self, agency: str, http: httpx.AsyncClient, pace: Pace, watch: Watch | None = None) -> None:
        self._agency = agency
        self._http = http
        self._pace = pace
        self._watch = watch

    async def send(self, draft: Draft) -> httpx.Response:
        """The agency's answer to a draft, whatever its status. Redirects are answers too: none is followed.

        Raises:
            AgencyFault: the agency did not answer, or no request is left today.
        """
        response = await self._send(draft, MOST_BYTES)
        if self._watch is not None:
            self._watch(draft, response)
        return response

    async def send_for_token(self, draft: Draft) -> httpx.Response:
        """The answer to a request for a token, which is small. A watch sees neither the account nor the token.

        Raises:
            AgencyFault: as `send`.
        """
        response = await self._send(draft, _TOKEN_BYTES)
        if self._watch is not None:
            self._watch(Draft(draft.method, draft.address), httpx.Response(response.status_code))
        return response

    async def _send(self, draft: Draft, most_bytes: int) -> httpx.Response:
        async with self._pace.hold():
            return await send_request(self._http, self._agency, draft.build(self._http), most_bytes=most_bytes)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


class Client:
    """Speaks an agency's API as its document describes it."""

    def __init__(self, document: AdapterDocument, server: Server, wire: Wire, auths: Auths, mapper: Mapper) -> None:
        self.agency = document.agency
        self._document = document
        self._server = server
        self._wire = wire
        self._auths = auths
        self._mapper = mapper

    async def write(
        self, operation: Deliver | Poll | Query, value: Any, variables: Mapping[str, Any] | None = None
    ) -> Draft:
        """The request that an operation makes of a value, before any auth.

        Raises:
            AgencyFault: permanent; no request of the operation fits, or an expression fails.
        """
        requests = [operation.request] if isinstance(operation, Poll) else operation.requests
        expressions: dict[str, str] = {}
        for at, request in enumerate(requests):
            expressions |= {f"{at} {name}": text for name, text in list_expressions(request).items()}
            if request.when is not None:
                expressions[f"{at} when"] = request.when
        program = Program(expressions, {**(variables or {}), "settings": self._server.settings}, operation.numbers)
        found = (await self._mapper.evaluate(program, [value]))[0] if expressions else {}
        at = _choose(requests, found)
        own = {name.removeprefix(f"{at} "): one for name, one in found.items() if name.startswith(f"{at} ")}
        return make_draft(requests[at], self._server.base_url, self._server.settings, own)

    async def exchange(self, draft: Draft) -> httpx.Response:
        """The agency's answer. If it refuses a token, the request is sent once more with a fresh one.

        Raises:
            AgencyFault: the agency did not answer, or gives no token.
        """
        sent = await self._auths.sign(draft)
        response = await self._wire.send(sent)
        if await self._auths.renew(sent, response):
            response = await self._wire.send(await self._auths.sign(draft))
        return response

    async def judge(
        self,
        operation: Deliver | Poll | Query,
        response: httpx.Response,
        expressions: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        rows: str | None = None,
    ) -> Judged:
        """What a successful answer says.

        Args:
            expressions: further expressions, by name, over the answer.
            variables: what they may use beside the settings.
            rows: gives the answer's list.

        Raises:
            AgencyFault: the answer is no success.
        """
        rules = [*operation.rules, *self._document.rules]
        judged = await self._mapper.judge(
            Program(expressions or {}, {**(variables or {}), "settings": self._server.settings}, operation.numbers),
            rules,
            status=response.status_code,
            headers=dict(response.headers),
            body=response.content,
            fold=operation.fold,
            form=operation.format,
            rows=rows,
        )
        if fault := find_fault(self.agency, response, judged, rules):
            raise fault
        return judged

    async def read(self, operation: Push, body: bytes) -> Judged:
        """What the body of a push holds: its rows, if it has a list.

        Raises:
            AgencyFault: transient; no worker is free, or the body needs too much.
        """
        program = Program({}, {"settings": self._server.settings}, operation.numbers)
        # Of two members that a reader may take for one, the mapping could use the one that nobody signed.
        signed = [
            name.replace("~1", "/").replace("~0", "~")
            for pointer in operation.values.values()
            for name in pointer.split("/")[1:]
        ]
        return await self._mapper.judge(
            program, (), status=200, headers={}, body=body, fold=operation.fold, rows=operation.rows, signed=signed
        )

    async def map_rows(self, expressions: Mapping[str, str], rows: Sequence[Any]) -> list[Mapping[str, Found]]:
        """What expressions make of rows that `judge` read: with `numbers: text` their numbers are texts already.

        Raises:
            AgencyFault: transient; no worker is free, or several rows need too much.
        """
        return await self._mapper.evaluate(Program(expressions, {"settings": self._server.settings}), rows)

    def follow(self, draft: Draft, link: str) -> Draft:
        """The request for the address that a page names as the next.

        Raises:
            AgencyFault: sink down; the address is not of the server, so that no secret may go there.
        """
        here, there = urlsplit(draft.address), urlsplit(link)
        if (there.scheme, there.netloc) not in (("", ""), (here.scheme, here.netloc)):
            raise AgencyFault(Failure.SINK_DOWN, f"{self.agency} names a next page on another server")
        target = there._replace(scheme=here.scheme, netloc=here.netloc, query="", fragment="").geturl()
        pairs = [(name, value) for name, value in httpx.QueryParams(there.query).multi_items()]
        return Draft(draft.method, target, tuple(pairs), draft.headers, draft.body, draft.values)

    def hide_keys(self, link: str) -> str:
        """A link without the keys that go into the query: some agencies repeat them, and a poll's cursor is stored."""
        url = httpx.URL(link)
        for auth in self._document.auth:
            if isinstance(auth, ApiKey) and auth.place == "query":
                url = url.copy_remove_param(auth.name)
        return str(url)

    async def close(self) -> None:
        """Close all connections, and end the mapper's workers."""
        await self._wire.close()
        await self._mapper.close()


def _choose(requests: Sequence[Request], found: Mapping[str, Found]) -> int:
    for at, request in enumerate(requests):
        if request.when is None or found[f"{at} when"].value is True:
            return at
    raise AgencyFault(Failure.PERMANENT, "no request of the operation fits the data")
