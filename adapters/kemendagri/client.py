"""The population registry's web service (Dukcapil). Every error on the wire becomes an `AgencyFault`.

Source: public client code of regencies (`get_json/{client}/CALL_NIK`, `CALL_VERIFY_BY_ELEMEN`, data balikan). The
module `verdict` judges the answers of HTTP 200.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import Field, SecretStr

from bus.kit import (
    AdapterSettings,
    AgencyFault,
    Failure,
    fold,
    parse_object,
    read_beginning,
    read_success,
    require_success,
    says_denied,
    send_request,
)

AGENCY = "Dukcapil"

_ABOUT_CONTENT = frozenset({200, 400, 409, 422})
"""Statuses with which installations say that they have the usage data already."""

_SENT_BEFORE = re.compile(r"\bsudah (?:pernah )?(?:di)?(?:kirim|terima|lapor|simpan|input|catat)", re.IGNORECASE)
"""Words with which installations say that they have the usage data. "Sudah pernah diblokir" says something else."""

_MOST_BYTES = 32 * 1024
"""Most bytes of an answer, much more than one person's data have. The event loop reads it in some milliseconds."""


class KemendagriSettings(AdapterSettings):
    """The agreement (PKS) with Dukcapil: account, institution and quota."""

    user_id: str
    password: SecretStr
    ip_user: str
    """The IP address that Dukcapil registered for the bus; every call names it."""
    client: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """The part of the path that names the institution."""
    id_lembaga: str
    nama_lembaga: str
    balikan_token: SecretStr
    balikan_path: str = "dukcapil/data_balikan"
    """The path for usage data below `base_url`; installations differ."""
    daily_quota: int | None = Field(default=10_000, ge=0)
    """Calls that the agreement allows in a day, lookups and verifications together."""
    cache_seconds: float = Field(default=300.0, ge=0)
    cache_size: int = Field(default=10_000, gt=0)


class Client:
    """Speaks to the registry.

    Args:
        http: a client with the registry's address as its base URL.
        settings: the agreement.
    """

    def __init__(self, http: httpx.AsyncClient, settings: KemendagriSettings) -> None:
        self._http = http
        self._settings = settings

    async def look_up(self, elements: Mapping[str, str]) -> dict[str, Any]:
        """The JSON answer of CALL_NIK.

        Args:
            elements: keys in lower case.

        Raises:
            AgencyFault: the registry gave no JSON object.
        """
        return await self._call("CALL_NIK", {**elements, **self._get_account()})

    async def verify(self, elements: Mapping[str, str]) -> dict[str, Any]:
        """The JSON answer of CALL_VERIFY_BY_ELEMEN.

        Args:
            elements: keys in capitals.

        Raises:
            AgencyFault: the registry gave no JSON object.
        """
        account = {name.upper(): value for name, value in self._get_account().items()}
        return await self._call("CALL_VERIFY_BY_ELEMEN", {**account, **elements})

    async def return_usage(self, institutions: Sequence[Mapping[str, Any]]) -> bool:
        """Send usage data (data balikan).

        Returns:
            True: the registry accepted the data. False: the registry says that it has some of them already.

        Raises:
            AgencyFault: the registry did not accept the data.
        """
        token = self._settings.balikan_token.get_secret_value()
        response = await self._post(
            self._settings.balikan_path, institutions, headers={"authorization": f"Bearer {token}"}
        )
        if response.status_code in _ABOUT_CONTENT and _SENT_BEFORE.search(read_beginning(response)):
            return False
        require_success(AGENCY, response)
        answer = fold(parse_object(AGENCY, response))
        if read_success(answer) is not True:
            raise _make_unknown_fault(answer, response.status_code)
        return True

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _get_account(self) -> dict[str, str]:
        settings = self._settings
        password = settings.password.get_secret_value()
        return {"user_id": settings.user_id, "password": password, "ip_user": settings.ip_user}

    async def _call(self, method: str, body: Mapping[str, str]) -> dict[str, Any]:
        response = await self._post(f"dukcapil/get_json/{self._settings.client}/{method}", body)
        require_success(AGENCY, response)
        return parse_object(AGENCY, response)

    async def _post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        request = self._http.build_request("POST", path, json=body, headers=headers)
        return await send_request(self._http, AGENCY, request, most_bytes=_MOST_BYTES)


def _make_unknown_fault(answer: Mapping[str, Any], status: int) -> AgencyFault:
    """The fault for a 2xx that does not say that the registry took the usage data. It holds none of the answer's words."""
    if any(says_denied(value) for value in answer.values()):
        return AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the bus's token", status=status)
    return AgencyFault(Failure.TRANSIENT, f"{AGENCY} does not say that it took the usage data", status=status)
