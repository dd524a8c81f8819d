"""One layer of PUPR's ArcGIS feature service: finds features and edits them.

Sources: ArcGIS REST API, Feature Service (query, applyEdits); public clients of PUPR's services. Every request is a POST
with the token in the form, since proxies log the query.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from adapters.pupr.mapping import Edit, Existing, read_fault, read_outcomes, read_page, write_edits, write_query
from bus.kit import AgencyFault, Allowance, Failure, Outcome, fold, read_object, require_success, send_request

AGENCY = "PUPR"

T = TypeVar("T")

_MOST_PAGES = 100
"""Most pages of one query, since a service may always say that there is more."""


class FeatureLayer:
    """Reads and edits one layer at `{base}/{layer}` (`…/FeatureServer/0`)."""

    def __init__(self, http: httpx.AsyncClient, layer: str, token: SecretStr) -> None:
        self._http = http
        self._layer = layer.strip("/")
        self._token = token

    async def find_existing(self, numbers: Sequence[str]) -> Existing:
        """The features of these segment numbers.

        Raises:
            AgencyFault: the layer gave no answer that can be read.
        """
        allowance = Allowance(AGENCY)
        found, offset = Existing(), 0
        for _ in range(_MOST_PAGES):
            response = await self._send("query", write_query(numbers, offset=offset))
            page = await self._read(response, lambda answer: read_page(answer, numbers))
            allowance.take(response, page.rows)
            found, offset = found.join(page.existing), offset + page.rows
            if not (page.more and page.rows):
                return found
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {_MOST_PAGES} pages for one query")

    async def apply(self, edits: Sequence[Edit]) -> Mapping[str, Outcome]:
        """Make the edits, each with its own success: without `rollbackOnFailure=false` one bad feature would undo all.

        Returns:
            Segment number to outcome.

        Raises:
            AgencyFault: the layer made no edit.
        """
        response = await self._send("applyEdits", {**write_edits(edits), "rollbackOnFailure": "false"})
        return await self._read(response, lambda answer: read_outcomes(edits, answer))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _send(self, operation: str, fields: Mapping[str, str]) -> httpx.Response:
        data = {**fields, "f": "json", "token": self._token.get_secret_value()}
        request = self._http.build_request("POST", f"{self._layer}/{operation}", data=data)
        response = await send_request(self._http, AGENCY, request)
        require_success(AGENCY, response)
        return response

    async def _read(self, response: httpx.Response, read: Callable[[Mapping[str, Any]], T]) -> T:
        def read_content(answer: dict[str, Any]) -> T:
            content: dict[str, Any] = fold(answer)
            if fault := read_fault(content):
                raise fault
            return read(content)

        return await read_object(AGENCY, response, read_content)
