"""One layer of an ArcGIS feature service, as PUPR runs it: what is there, and edits to it.

Source: ArcGIS REST API, Feature Service (query, applyEdits), and what public clients of PUPR's services show. Everything
is a POST with a form, the token in it: a token in the query would end in every proxy's log.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.pupr.mapping import Edit, Existing, body_fault, existing, form, outcomes, query_form
from bus.kit import AgencyFault, Failure, Outcome, folded, json_object, require_success, send_request

AGENCY = "PUPR"

_MOST_PAGES = 100
"""A bound on a service that always says there is more."""


class FeatureLayer:
    """Reads and edits one layer, whose address is `{base}/{layer}` (`…/FeatureServer/0`)."""

    def __init__(self, http: httpx.AsyncClient, layer: str, token: SecretStr) -> None:
        self._http = http
        self._layer = layer.strip("/")
        self._token = token

    async def existing(self, numbers: Sequence[str]) -> Existing:
        """The features that the layer has for these segment numbers.

        Raises:
            AgencyFault: the layer could not be read.
        """
        found: list[Mapping[str, Any]] = []
        for _ in range(_MOST_PAGES):
            page = await self._ask("query", query_form(numbers, offset=len(found)))
            features = page.get("features") or []
            found += features
            if not (page.get("exceededtransferlimit") and features):
                return existing(page.get("objectidfieldname"), found)
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {_MOST_PAGES} pages for one query")

    async def apply(self, edits: Sequence[Edit]) -> Mapping[str, Outcome]:
        """Make the edits; the outcome of each segment number.

        Each feature succeeds or fails alone: without `rollbackOnFailure=false` one bad feature would undo all.

        Raises:
            AgencyFault: none of the edits was made.
        """
        return outcomes(edits, await self._ask("applyEdits", {**form(edits), "rollbackOnFailure": "false"}))

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(self, operation: str, fields: Mapping[str, str]) -> dict[str, Any]:
        data = {**fields, "f": "json", "token": self._token.get_secret_value()}
        request = self._http.build_request("POST", f"{self._layer}/{operation}", data=data)
        response = await send_request(self._http, AGENCY, request)
        require_success(AGENCY, response)
        answer: dict[str, Any] = folded(json_object(AGENCY, response))
        if fault := body_fault(answer):
            raise fault
        return answer
