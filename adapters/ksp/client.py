"""SP4N-LAPOR!'s API behind SPLP: complaints and their follow-ups, both in pages. An empty page ends a list.

Source: public client code of regencies. The header `auth` has the gateway's token, and `token` the regency's own.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from adapters.ksp.mapping import ComplaintPage, find_entries, read_complaints, read_followup_page
from bus.kit import AgencyFault, Allowance, Failure, Gateway, SplpSettings, fold, read_answer, read_as_sent

AGENCY = "LAPOR!"
TOKEN_HEADER = "auth"  # noqa: S105  a header's name

_MOST_PAGES = 100
"""Most pages of a list, since an installation may never send an empty page."""

T = TypeVar("T")


class KspSettings(SplpSettings):
    """The regency's account at LAPOR!."""

    token: SecretStr
    """The regency's GUID at LAPOR!, which shows the regency its own complaints."""
    konteks: str = "lapor"
    """The API's context at the gateway."""


class Client:
    """Speaks to LAPOR!.

    Args:
        gateway: a gateway with `TOKEN_HEADER`.
        settings: the account.
    """

    def __init__(self, gateway: Gateway, settings: KspSettings) -> None:
        self._gateway = gateway
        self._complaints = f"{settings.konteks.strip('/')}/1.0/complaints"
        self._headers = {"token": settings.token.get_secret_value()}

    async def fetch_complaints(self, page: int) -> ComplaintPage:
        """One page of the regency's complaints; empty after the last page.

        Args:
            page: the page's number, from 1.

        Raises:
            AgencyFault: LAPOR! gave no page that can be read.
        """
        response = await self._call("GET", self._complaints, params={"page": page})
        return await read_as_sent(AGENCY, response, _reading(response, Allowance(AGENCY), read_complaints))

    async def has_followup(self, number: str, body: Mapping[str, Any]) -> bool:
        """Whether a complaint has this follow-up already.

        Args:
            number: the complaint's number.
            body: the follow-up in LAPOR!'s form.

        Raises:
            AgencyFault: LAPOR! gave no list that can be read; permanent if it knows no such complaint.
        """
        allowance, previous = Allowance(AGENCY), ""
        for number_of_page in range(1, _MOST_PAGES + 1):
            response = await self._call("GET", self._make_path(number), params={"page": number_of_page})
            reading = _reading(response, allowance, lambda found: read_followup_page(body, found))
            page = await read_answer(AGENCY, response, reading)
            if not page.rows or page.mark == previous:  # an installation without pages repeats its list
                return False
            if page.has_it:
                return True
            previous = page.mark
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {_MOST_PAGES} pages of follow-ups")

    async def add_followup(self, number: str, body: Mapping[str, Any]) -> None:
        """Add a follow-up to a complaint.

        Raises:
            AgencyFault: LAPOR! did not accept the follow-up; permanent if it knows no such complaint.
        """
        await self._call("POST", self._make_path(number), json=body)

    async def close(self) -> None:
        """Close all connections."""
        await self._gateway.close()

    def _make_path(self, number: str) -> str:
        return f"{self._complaints}/{quote(number, safe='')}/followups"

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return await self._gateway.call(method, path, headers=self._headers, **request)
        except AgencyFault as fault:
            if fault.status == httpx.codes.NOT_FOUND and path != self._complaints:
                raise AgencyFault(Failure.PERMANENT, f"{AGENCY} knows no such complaint", status=404) from None
            raise


def _reading(response: httpx.Response, allowance: Allowance, read: Callable[[list[Any]], T]) -> Callable[[Any], T]:
    """Makes what `read` makes of the entries of a page, within what the list may have."""

    def read_page(answer: Any) -> T:
        found = find_entries(fold(answer))
        if found is None:
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered something that is not a page of a list")
        allowance.take(response, len(found))
        return read(found)

    return read_page
