"""SP4N-LAPOR!'s API behind SPLP: complaints and their follow-ups, both in pages. An empty page ends a list.

Source: public client code of regencies. The header `auth` has the gateway's token, and `token` the regency's own.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from adapters.ksp.mapping import ComplaintPage, find_entries, read_complaints, read_followup_page
from bus.kit import (
    AgencyFault,
    Allowance,
    BaseUrl,
    Failure,
    Gateway,
    SplpSettings,
    fold,
    make_status_fault,
    parse_object,
    read_answer,
    read_as_sent,
    read_success,
    says_denied,
)

AGENCY = "LAPOR!"
TOKEN_HEADER = "auth"  # noqa: S105  a header's name

_MOST_PAGES = 100
"""Most pages of a list, since an installation may never send an empty page."""

_ABOUT_COMPLAINT: Mapping[int, str] = {
    403: "does not let the regency answer this complaint",
    404: "knows no such complaint",
}
"""A status that can be about one complaint, and its meaning."""

T = TypeVar("T")


class KspSettings(SplpSettings):
    """The regency's account at LAPOR!."""

    token: SecretStr
    """The regency's GUID at LAPOR!, which shows the regency its own complaints."""
    konteks: str = "lapor"
    """The API's context at the gateway."""
    stream_url: BaseUrl | None = None
    """The address of LAPOR!'s older interface, which takes complaints; None: `base_url`, as in the simulator."""
    stream_token: SecretStr | None = None
    """The regency's token for the older interface; None: the bus sends no complaints."""


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

    async def has_followup(self, number: str, reference: str) -> bool:
        """Whether a complaint has this follow-up already.

        Args:
            number: the complaint's number.
            reference: the event's reference in the follow-up's text.

        Raises:
            AgencyFault: LAPOR! gave no list that can be read; permanent if it knows no such complaint.
        """
        allowance, previous = Allowance(AGENCY), ""
        for number_of_page in range(1, _MOST_PAGES + 1):
            response = await self._call("GET", self._make_path(number), params={"page": number_of_page})
            reading = _reading(response, allowance, lambda found: read_followup_page(reference, found))
            page = await read_answer(AGENCY, response, reading)
            if not page.rows or page.mark == previous:  # an installation without pages repeats its list
                return False
            if page.has_it:
                return True
            previous = page.mark
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {_MOST_PAGES} pages of follow-ups")

    async def has_complaint(self, reference: str) -> bool:
        """Whether the list has a complaint with this reference. Only the list's first hundred pages are read.

        Raises:
            AgencyFault: LAPOR! gave no list that can be read.
        """
        allowance, previous = Allowance(AGENCY), ""
        for page_number in range(1, _MOST_PAGES + 1):
            response = await self._call("GET", self._complaints, params={"page": page_number})
            reading = _reading(response, allowance, lambda found: read_followup_page(reference, found))
            page = await read_answer(AGENCY, response, reading)
            if page.has_it:
                return True
            if not page.rows or page.mark == previous:  # an installation without pages repeats its list
                return False
            previous = page.mark
        return False

    async def add_followup(self, number: str, body: Mapping[str, Any]) -> bool:
        """Add a follow-up to a complaint.

        Returns:
            Whether LAPOR! says that it took the follow-up. False: it says neither that nor the opposite.

        Raises:
            AgencyFault: LAPOR! did not accept the follow-up; permanent if it knows no such complaint.
        """
        response = await self._call("POST", self._make_path(number), json=body)
        if not response.content:
            return response.status_code == httpx.codes.CREATED
        try:
            answer = fold(parse_object(AGENCY, response))
        except AgencyFault:
            return False
        said = read_success(answer)
        if said is False:
            raise _make_refusal(answer, response.status_code)
        return said is True or response.status_code == httpx.codes.CREATED

    async def close(self) -> None:
        """Close all connections."""
        await self._gateway.close()

    def _make_path(self, number: str) -> str:
        return f"{self._complaints}/{quote(number, safe='')}/followups"

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        also = () if path == self._complaints else _ABOUT_COMPLAINT
        response = await self._gateway.call(method, path, headers=self._headers, also=also, **request)
        if response.is_success:
            return response
        if not await self._has_access():
            raise make_status_fault(AGENCY, response)
        what = _ABOUT_COMPLAINT[response.status_code]
        raise AgencyFault(Failure.PERMANENT, f"{AGENCY} {what}", status=response.status_code)

    async def _has_access(self) -> bool:
        """Whether LAPOR! shows the regency's complaints. Then a refusal is about one complaint, and not about the account."""
        try:
            await self.fetch_complaints(1)
        except AgencyFault:
            return False
        return True


def _reading(response: httpx.Response, allowance: Allowance, read: Callable[[list[Any]], T]) -> Callable[[Any], T]:
    """Makes what `read` makes of the entries of a page, within what the list may have."""

    def read_page(answer: Any) -> T:
        folded = fold(answer)
        if isinstance(folded, dict) and read_success(folded) is False:
            raise _make_refusal(folded, response.status_code)
        found = find_entries(folded)
        if found is None:
            raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered something that is not a page of a list")
        allowance.take(response, len(found))
        return read(found)

    return read_page


def _make_refusal(answer: Mapping[str, Any], status: int) -> AgencyFault:
    """The fault for a 2xx whose body says failure. It holds none of the answer's words, which can be personal data."""
    if any(says_denied(value) for value in answer.values()):
        return AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the regency's token", status=status)
    return AgencyFault(Failure.TRANSIENT, f"{AGENCY} says that the request failed", status=status)
