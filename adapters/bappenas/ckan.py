"""The CKAN of Satu Data Indonesia: creates, updates and deletes datasets by name.

Source: CKAN's Action API, version 3. `success` in the body decides, whatever the HTTP status. `error.__type` names the
error.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.bappenas.mapping import read_ckan_fault
from adapters.bappenas.resources import patch_resources
from bus.kit import AgencyFault, Failure, make_status_fault, read_object, send_request

AGENCY = "CKAN"

_TABLE = "datastore"
"""CKAN's `url_type` of a resource whose data stand in the datastore."""
_NOT_FOUND = "Not Found Error"
_NOT_AUTHORIZED = "Authorization Error"


class Ckan:
    """Speaks CKAN's Action API.

    Args:
        http: a client with CKAN's address as its base URL.
        token: the bus's API token.
        organization: CKAN's name of the organisation that owns the bus's datasets.
        others: names of the regency's other organisations, which own some of them.
    """

    def __init__(
        self, http: httpx.AsyncClient, token: SecretStr, organization: str, others: Collection[str] = ()
    ) -> None:
        self._http = http
        self._token = token
        self._organizations = frozenset({organization, *others})

    async def upsert(self, package: Mapping[str, Any]) -> None:
        """Put a dataset on the portal, in place of the portal's version with its extras. Its resources keep their ids.

        A deleted dataset keeps its name in CKAN. So the update comes first, which also restores a deleted dataset.

        Raises:
            AgencyFault: the portal does not have the dataset as it should be; permanent if another organisation has its
                name.
        """
        shown = await self._show(package["name"])
        if self._is_of_others(shown):
            raise _make_foreign_name_fault(None)
        known = _read_resources(shown.get("resources"))
        # Tables in the datastore are resources that the dataset's record does not name.
        tables = [one for one in known if one.get("url_type") == _TABLE]
        files = [one for one in known if one.get("url_type") != _TABLE]
        resources = [*patch_resources(files, package.get("resources", ())), *tables]
        update = {"id": package["name"], **package, "resources": resources}
        async with self._judge_refusal(package["name"]):
            if await self._act("package_update", update, missing_ok=True) is None:
                await self._act("package_create", package)

    async def delete(self, name: str) -> None:
        """Delete a dataset from the portal. An unknown name counts as deleted.

        Raises:
            AgencyFault: the portal still shows the dataset.
        """
        async with self._judge_refusal(name):
            await self._act("package_delete", {"id": name}, missing_ok=True)

    async def find_own(self, name: str) -> Mapping[str, Any] | None:
        """The portal's version of one of our datasets; None: the portal does not show it.

        Raises:
            AgencyFault: permanent if another organisation has the dataset; the portal does not say what it has.
        """
        # A refused token must not look like a dataset that is not there: a deletion would then count as done.
        async with self._judge_refusal(name):
            shown = await self._act("package_show", {"id": name}, missing_ok=True)
        if shown is None:
            return None
        if not isinstance(shown, dict):
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered a dataset that is no object", status=200)
        if self._is_of_others(shown):
            raise _make_foreign_name_fault(None)
        return None if shown.get("state") == "deleted" else shown

    async def call(self, action: str, argument: Mapping[str, Any], *, missing_ok: bool = False) -> Any:
        """The result of an action; None if CKAN does not know what it is about, and `missing_ok` is set.

        Raises:
            AgencyFault: CKAN did not do the action.
        """
        return await self._act(action, argument, missing_ok=missing_ok)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _show(self, name: str) -> Mapping[str, Any]:
        """The portal's version of a dataset; empty if the portal does not show it.

        Raises:
            AgencyFault: the portal gave no answer that can be read.
        """
        response = await self._send("package_show", {"id": name})
        if response.is_success:
            shown = await read_object(AGENCY, response, _read_result)
            if isinstance(shown, dict):
                return shown
        error = await _read_error(response)
        # A private dataset of another organisation is shown to nobody else.
        if error.get("__type") in (_NOT_FOUND, _NOT_AUTHORIZED):
            return {}
        raise read_ckan_fault(error, response.status_code) or _make_other_fault(response)

    @asynccontextmanager
    async def _judge_refusal(self, name: str) -> AsyncIterator[None]:
        """Class CKAN's refusal of the account by whether it is about this dataset alone."""
        try:
            yield
        except _NotAuthorized as refusal:
            if await self._is_foreign(name):
                raise _make_foreign_name_fault(refusal.status) from None
            raise

    async def _is_foreign(self, name: str) -> bool:
        """Whether a refused dataset belongs to another organisation.

        Raises:
            AgencyFault: transient; the portal does not say whose the dataset is, or what the token may do.
        """
        shown = await self._show(name)
        if shown:
            return self._is_of_others(shown)
        response = await self._send("organization_list_for_user", {"permission": "create_dataset"})
        mine = await read_object(AGENCY, response, _read_result) if response.is_success else None
        if (await _read_error(response)).get("__type") == _NOT_AUTHORIZED:
            return False
        if not isinstance(mine, list):
            detail = f"{AGENCY} refuses this dataset, and does not say what the token may do"
            raise AgencyFault(Failure.TRANSIENT, detail, status=httpx.codes.FORBIDDEN)
        # The token may create datasets, so the refusal is about this dataset.
        return any(isinstance(one, dict) and self._organizations & _list_names(one) for one in mine)

    def _is_of_others(self, package: Mapping[str, Any]) -> bool:
        """Whether the portal says that a dataset belongs to another organisation than the bus's."""
        organization, owner = package.get("organization"), package.get("owner_org")
        names = _list_names(organization) if isinstance(organization, dict) else set()
        names |= {owner} if isinstance(owner, str) else set()
        return bool(names) and not self._organizations & names

    async def _act(self, action: str, argument: Mapping[str, Any], *, missing_ok: bool = False) -> Any:
        """The result of an action, or True; None if CKAN has no such dataset and `missing_ok` is set.

        Raises:
            AgencyFault: CKAN did not do the action, for another reason.
        """
        response = await self._send(action, argument)
        if response.is_success:
            done, result = await read_object(AGENCY, response, _read_done)
            if done:
                return True if result is None else result
        error = await _read_error(response)
        if missing_ok and error.get("__type") == _NOT_FOUND:
            return None
        fault = read_ckan_fault(error, response.status_code) or _make_other_fault(response)
        if error.get("__type") == _NOT_AUTHORIZED:
            raise _NotAuthorized(fault.failure, fault.detail, status=fault.status)
        raise fault

    async def _send(self, action: str, argument: Mapping[str, Any]) -> httpx.Response:
        request = self._http.build_request(
            "POST",
            f"api/3/action/{action}",
            json=dict(argument),
            headers={"authorization": self._token.get_secret_value()},
        )
        return await send_request(self._http, AGENCY, request)


class _NotAuthorized(AgencyFault):
    """CKAN refuses an action to the bus's token."""


def _read_done(answer: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether CKAN says that it did an action, and the action's result."""
    return answer.get("success") is True, answer.get("result")


def _read_result(answer: Mapping[str, Any]) -> Any:
    """The result of an action; None if CKAN does not say that it did the action."""
    return answer.get("result") if answer.get("success") is True else None


def _read_resources(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list_names(organization: Mapping[str, Any]) -> set[Any]:
    """An organisation's name and id: CKAN takes both."""
    return {value for value in (organization.get("name"), organization.get("id")) if isinstance(value, str)}


async def _read_error(response: httpx.Response) -> Mapping[str, Any]:
    """CKAN's own error; empty if the answer has none, such as a proxy's page."""
    try:
        error = await read_object(AGENCY, response, lambda answer: answer.get("error"))
    except AgencyFault:
        return {}
    return error if isinstance(error, dict) else {}


def _make_foreign_name_fault(status: int | None) -> AgencyFault:
    return AgencyFault(Failure.PERMANENT, f"{AGENCY}: another organisation has the name of this dataset", status=status)


def _make_other_fault(response: httpx.Response) -> AgencyFault:
    if response.is_success:
        return AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered neither success nor error", status=200)
    return make_status_fault(AGENCY, response)
