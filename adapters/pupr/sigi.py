"""SIGI, PUPR's service of map layers: reads one layer in pages.

Source: public clients of SIGI (`geoapi/api/v1/{layer}/data`). SIGI takes its token in the query, so no log or error may hold the
URL. Some installations say how many features the layer has (`totalRecords`), and others end it with an empty page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import SecretStr

from adapters.pupr.mapping import read_fault
from bus.kit import (
    AgencyFault,
    Allowance,
    Failure,
    digest,
    fold,
    read_as_sent,
    read_decimal,
    read_list,
    require_success,
    says_denied,
    send_request,
)

AGENCY: Final = "SIGI"
_PAGE: Final = 100
"""Features that the bus asks for at once. SIGI may give fewer."""
_MOST_PAGES: Final = 500
"""Most pages of a layer, since a service may always say that there is more."""


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a layer.

    Attributes:
        features: the features, folded.
        total: how many features the layer has; None: SIGI does not say.
        mark: a digest of the page, which tells a repeated page.
    """

    features: Sequence[Any]
    total: int | None
    mark: str


@dataclass(frozen=True, slots=True)
class SigiAccount:
    """The bus's account at SIGI."""

    email: str
    token: SecretStr


class Sigi:
    """Reads layers of SIGI.

    Args:
        http: a client with SIGI's address as its base URL.
        account: the account.
    """

    def __init__(self, http: httpx.AsyncClient, account: SigiAccount) -> None:
        self._http = http
        self._account = account

    async def fetch_features(self, layer: str, condition: str) -> list[Any]:
        """All features of a layer that fit the condition, folded. They are all there, or the call raises.

        Args:
            layer: the layer's name in the path.
            condition: SIGI's filter, such as `KODE_KAB='3524'`; empty: the whole layer.

        Raises:
            AgencyFault: SIGI gave no whole layer that can be read.
        """
        allowance, found, previous = Allowance(AGENCY), list[Any](), ""
        for _ in range(_MOST_PAGES):
            page = await self._fetch_page(layer, condition, len(found), allowance)
            is_repeated = page.mark == previous
            if page.features and not is_repeated:
                found.extend(page.features)
            previous = page.mark
            if not page.features or is_repeated or (page.total is not None and len(found) >= page.total):
                return _check_whole(found, page.total)
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} has more than {_MOST_PAGES} pages for one layer")

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _fetch_page(self, layer: str, condition: str, offset: int, allowance: Allowance) -> _Page:
        params: dict[str, str | int] = {
            "offset": offset,
            "limit": _PAGE,
            "fields": "*",
            "format": "geojson",
            "geometry": "true",
            "email": self._account.email,
            "token": self._account.token.get_secret_value(),
            **({"filter": condition} if condition else {}),
        }
        request = self._http.build_request("GET", f"geoapi/api/v1/{layer}/data", params=params)
        response = await send_request(self._http, AGENCY, request)
        require_success(AGENCY, response)
        page = await read_as_sent(AGENCY, response, lambda answer: _read_page(fold(answer)))
        allowance.take(response, len(page.features))
        return page


def _read_page(answer: Any) -> _Page:
    """A folded page.

    Raises:
        AgencyFault: SIGI answered with an error at HTTP 200, or without features.
    """
    if not isinstance(answer, dict):
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered something that is not a JSON object", status=200)
    if any(says_denied(answer.get(name)) for name in ("message", "error", "pesan")):
        raise AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the bus's account", status=200)
    if fault := read_fault(answer):
        raise fault
    features = read_list(answer.get("features"))
    if features is None:
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered features that are no list", status=200)
    # The thread that reads a large page makes its digest too.
    return _Page(features, _read_total(answer), digest(features))


def _read_total(answer: Mapping[str, Any]) -> int | None:
    """How many features the layer has, from a number or a text; None if SIGI does not say."""
    total = read_decimal(answer.get("totalrecords"))
    return None if total is None or total < 0 or total != total.to_integral_value() else int(total)


def _check_whole(found: list[Any], total: int | None) -> list[Any]:
    """The features, if there are as many as SIGI says. A layer that is short would delete the records of the rest."""
    if total is not None and len(found) != total:
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} gave {len(found)} of {total} features", status=200)
    return found
