"""KRISNA's API: rows of a planning resource, and the regency's sub-activities.

Source: public clients of KRISNA (`GET {base}/api/v1/{resource}/{tahun}?apikey=&kode_pemda=`). How KRISNA takes
sub-activities is agreed with each regency; `POST {base}/api/v1/kegiatan/{tahun}` with SIPD's shape is assumed here.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from bus.kit import MOST_ROWS, AgencyFault, Failure, fold, read_object, require_success, send_request

AGENCY = "KRISNA"

T = TypeVar("T")


class Krisna:
    """Speaks KRISNA's API for one regional government. Its key is in the query: nobody logs or reports a URL."""

    def __init__(self, http: httpx.AsyncClient, apikey: SecretStr, kode_pemda: str) -> None:
        self._http = http
        self._apikey = apikey
        self._kode_pemda = kode_pemda

    async def fetch_rows(self, resource: str, year: int) -> list[dict[str, Any]]:
        """All rows of a resource in a budget year, keys and strings folded.

        Raises:
            AgencyFault: KRISNA could not be read.
        """
        return await self._ask("GET", f"api/v1/{resource}/{year}", _read_rows)

    async def put_activity(self, year: int, activity: Mapping[str, Any]) -> None:
        """Hand over a sub-activity; KRISNA keeps the last one of each code and year.

        Raises:
            AgencyFault: KRISNA does not have it.
        """
        await self._ask("POST", f"api/v1/kegiatan/{year}", _check_taken, activity)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(
        self, method: str, path: str, read: Callable[[dict[str, Any]], T], body: Mapping[str, Any] | None = None
    ) -> T:
        params = {"apikey": self._apikey.get_secret_value(), "kode_pemda": self._kode_pemda}
        response = await send_request(
            self._http, AGENCY, self._http.build_request(method, path, params=params, json=body and dict(body))
        )
        require_success(AGENCY, response)
        return await read_object(AGENCY, response, lambda answer: read(fold(answer)))


def _read_rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _make_fault(answer)
    if len(rows) > MOST_ROWS:
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered more than {MOST_ROWS} rows", status=200)
    return rows


def _check_taken(answer: Mapping[str, Any]) -> None:
    if "data" not in answer:
        raise _make_fault(answer)


def _make_fault(answer: Mapping[str, Any]) -> AgencyFault:
    """What an answer of HTTP 200 without `data` means; its words are left out, since they can repeat the key."""
    words = f"{answer.get('message', '')} {answer.get('error', '')}".lower()
    if "apikey" in words or "api key" in words or "unauthorized" in words:
        return AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the API key", status=200)
    return AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered without data", status=200)
