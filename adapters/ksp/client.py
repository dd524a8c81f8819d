"""SP4N-LAPOR!'s API behind SPLP: complaints and their follow-ups, both in pages until an empty one.

Source: public client code of regencies. The gateway's token goes into `auth`, the institution's own into `token`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from adapters.ksp.mapping import Row, rows
from bus.kit import AgencyFault, Failure, Gateway, SplpSettings, folded

TOKEN_HEADER = "auth"  # noqa: S105  a header's name

_MOST_PAGES = 100
"""A bound on a list that never ends."""


class KspSettings(SplpSettings):
    """The regency's account at LAPOR!."""

    token: SecretStr
    """The GUID by which LAPOR! knows the regency and shows it its own complaints."""
    konteks: str = "lapor"
    """The API's context at the gateway."""


class Client:
    """Speaks to LAPOR!.

    Args:
        gateway: made with `TOKEN_HEADER`.
        settings: the account.
    """

    def __init__(self, gateway: Gateway, settings: KspSettings) -> None:
        self._gateway = gateway
        self._complaints = f"{settings.konteks.strip('/')}/1.0/complaints"
        self._headers = {"token": settings.token.get_secret_value()}

    async def complaints(self, page: int) -> list[Row]:
        """One page of the regency's complaints, counted from 1; empty after the last.

        Raises:
            AgencyFault: the page could not be read.
        """
        return await self._page(self._complaints, page)

    async def followups(self, number: str) -> list[Row]:
        """All follow-ups of a complaint.

        Raises:
            AgencyFault: they could not be read; permanent where LAPOR! knows no such complaint.
        """
        found: list[Row] = []
        for page in range(1, _MOST_PAGES + 1):
            more = await self._page(self._followups(number), page)
            if not more or more == found[-len(more) :]:  # an installation that does not page repeats itself
                break
            found += more
        return found

    async def add_followup(self, number: str, body: Mapping[str, Any]) -> None:
        """Add a follow-up to a complaint.

        Raises:
            AgencyFault: LAPOR! did not take it.
        """
        await self._call("POST", self._followups(number), json=body)

    async def close(self) -> None:
        """Let go of connections."""
        await self._gateway.close()

    def _followups(self, number: str) -> str:
        return f"{self._complaints}/{quote(number, safe='')}/followups"

    async def _page(self, path: str, page: int) -> list[Row]:
        response = await self._call("GET", path, params={"page": page})
        try:
            found = rows(folded(response.json()))
        except ValueError:
            found = None
        if found is None:
            detail = "LAPOR! answered something that is not a page of a list"
            raise AgencyFault(Failure.TRANSIENT, detail, status=response.status_code)
        return found

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return await self._gateway.call(method, path, headers=self._headers, **request)
        except AgencyFault as fault:
            if fault.status == httpx.codes.NOT_FOUND and path != self._complaints:
                raise AgencyFault(Failure.PERMANENT, "LAPOR! knows no such complaint", status=404) from None
            raise
