"""The CKAN of Satu Data Indonesia: creates, updates and deletes datasets by name.

Source: CKAN's Action API, version 3. `success` in the body decides, whatever the HTTP status. `error.__type` names the
error.
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
        """Put a dataset on the portal, in place of the portal's version with its resources and extras.

        A deleted dataset keeps its name in CKAN. So the update comes first, which also restores a deleted dataset.

        Raises:
            AgencyFault: the portal does not have the dataset as it should be.
        """
        if not await self._act("package_update", {"id": package["name"], **package}, missing_ok=True):
            await self._act("package_create", package)

    async def delete(self, name: str) -> None:
        """Delete a dataset from the portal. An unknown name counts as deleted.

        Raises:
            AgencyFault: the portal still shows the dataset.
        """
        await self._act("package_delete", {"id": name}, missing_ok=True)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _act(self, action: str, argument: Mapping[str, Any], *, missing_ok: bool = False) -> bool:
        """Whether CKAN did the action; False if CKAN has no such dataset and `missing_ok` is set.

        Raises:
            AgencyFault: CKAN did not do the action, for another reason.
        """
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
    """CKAN's own error; empty if the answer has none, such as a proxy's page."""
    try:
        error = await read_object(AGENCY, response, lambda answer: answer.get("error"))
    except AgencyFault:
        return {}
    return error if isinstance(error, dict) else {}


def _make_foreign_fault(response: httpx.Response) -> AgencyFault:
    if response.is_success:
        return AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered neither success nor error", status=200)
    return make_status_fault(AGENCY, response)
