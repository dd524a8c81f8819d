"""The CKAN of Satu Data Indonesia: datasets, created, updated and deleted by name.

Source: CKAN's Action API, version 3. `success` in the body decides, whatever the HTTP status; `error.__type` says what
is wrong.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.bappenas.mapping import read_ckan_fault
from bus.kit import AgencyFault, Failure, make_status_fault, read_object, send_request

AGENCY = "CKAN"

_NOT_FOUND = "Not Found Error"


class Ckan:
    """Speaks CKAN's Action API."""

    def __init__(self, http: httpx.AsyncClient, token: SecretStr) -> None:
        self._http = http
        self._token = token

    async def upsert(self, package: Mapping[str, Any]) -> None:
        """Make the portal have this dataset just so: resources and extras that it does not name go.

        A deleted dataset keeps its name, so it is brought back rather than created again.

        Raises:
            AgencyFault: the portal does not have it.
        """
        if not await self._act("package_update", {"id": package["name"], **package}, missing_ok=True):
            await self._act("package_create", package)

    async def delete(self, name: str) -> None:
        """Make the portal not show this dataset; one that is not there is fine.

        Raises:
            AgencyFault: the portal still shows it.
        """
        await self._act("package_delete", {"id": name}, missing_ok=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _act(self, action: str, argument: Mapping[str, Any], *, missing_ok: bool = False) -> bool:
        """Whether the action was done; False when there is no such dataset and that is fine."""
        request = self._http.build_request(
            "POST",
            f"api/3/action/{action}",
            json=dict(argument),
            headers={"authorization": self._token.get_secret_value()},
        )
        response = await send_request(self._http, AGENCY, request)
        if response.is_success and await read_object(AGENCY, response, lambda answer: answer.get("success") is True):
            return True
        error = await _read_error(response)
        if missing_ok and error.get("__type") == _NOT_FOUND:
            return False
        raise read_ckan_fault(error, response.status_code) or _make_foreign_fault(response)


async def _read_error(response: httpx.Response) -> Mapping[str, Any]:
    """CKAN's own error; empty when the answer is somebody else's, such as a proxy's page."""
    try:
        error = await read_object(AGENCY, response, lambda answer: answer.get("error"))
    except AgencyFault:
        return {}
    return error if isinstance(error, dict) else {}


def _make_foreign_fault(response: httpx.Response) -> AgencyFault:
    if response.is_success:
        return AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered neither success nor error", status=200)
    return make_status_fault(AGENCY, response)
