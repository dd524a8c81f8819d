"""KRISNA's API: rows of a planning resource, and the regency's sub-activities.

Source: public clients of KRISNA (`GET {base}/api/v1/{resource}/{tahun}?apikey=&kode_pemda=`). Each regency agrees with
Bappenas on how KRISNA receives sub-activities. This client assumes `POST {base}/api/v1/kegiatan/{tahun}`, in SIPD's form.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from bus.kit import (
    MOST_ROWS,
    AgencyFault,
    Failure,
    fold,
    read_answer,
    read_as_sent,
    read_list,
    read_success,
    require_success,
    says_denied,
    send_request,
)

AGENCY = "KRISNA"

T = TypeVar("T")


class Krisna:
    """Speaks KRISNA's API for one regional government. The URL holds the key, so no log or error may hold the URL."""

    def __init__(self, http: httpx.AsyncClient, apikey: SecretStr, kode_pemda: str) -> None:
        self._http = http
        self._apikey = apikey
        self._kode_pemda = kode_pemda

    async def fetch_rows(self, resource: str, year: int, read: Callable[[list[Any]], T]) -> T:
        """What `read` makes of all rows of a resource in a budget year, folded.

        Raises:
            AgencyFault: KRISNA gave no answer that can be read.
        """
        response = await self._ask("GET", f"api/v1/{resource}/{year}")
        return await read_as_sent(AGENCY, response, lambda answer: read(_read_rows(_fold_object(answer))))

    async def put_activity(self, year: int, activity: Mapping[str, Any]) -> None:
        """Send a sub-activity. KRISNA replaces an earlier one with the same code and year.

        Raises:
            AgencyFault: KRISNA does not have the sub-activity.
        """
        code = str(activity.get("kode_sub_giat", ""))
        response = await self._ask("POST", f"api/v1/kegiatan/{year}", activity)
        await read_answer(AGENCY, response, lambda answer: _check_taken(_fold_object(answer), code))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        params = {"apikey": self._apikey.get_secret_value(), "kode_pemda": self._kode_pemda}
        response = await send_request(
            self._http, AGENCY, self._http.build_request(method, path, params=params, json=body and dict(body))
        )
        require_success(AGENCY, response)
        return response


def _fold_object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered something that is not a JSON object", status=200)
    folded: dict[str, Any] = fold(answer)
    return folded


def _read_rows(answer: Mapping[str, Any]) -> list[Any]:
    rows = read_list(answer.get("data"))
    if read_success(answer) is False or rows is None:
        raise _make_fault(answer)
    if len(rows) > MOST_ROWS:
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered more than {MOST_ROWS} rows", status=200)
    return rows


def _check_taken(answer: Mapping[str, Any], code: str) -> None:
    """Check that KRISNA says that it has the sub-activity, in words or by its code in `data`."""
    data, said = answer.get("data"), read_success(answer)
    entries = data if isinstance(data, list) else [data]
    codes = {str(one["kode_sub_giat"]) for one in entries if isinstance(one, dict) and "kode_sub_giat" in one}
    if said is False or not (said or codes):
        raise _make_fault(answer)
    if codes and code not in codes:
        raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered about another sub-activity", status=200)


def _make_fault(answer: Mapping[str, Any]) -> AgencyFault:
    """The fault for an answer of HTTP 200 that says failure, or has no data.

    It holds none of the answer's words, which can repeat the key.
    """
    if any(says_denied(answer.get(name)) for name in ("message", "error", "pesan")):
        return AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the API key", status=200)
    return AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered without data", status=200)
