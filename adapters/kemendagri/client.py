"""The population registry's web service (Dukcapil): bodies out, bodies in, every fault of the way an `AgencyFault`.

Source: public client code of regencies (`get_json/{client}/CALL_NIK`, `CALL_VERIFY_BY_ELEMEN`, data balikan). What the
registry says at HTTP 200 is not judged here but in `verdict`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import Field, SecretStr

from bus.adapter import AdapterSettings, AgencyFault, Failure


class KemendagriSettings(AdapterSettings):
    """The agreement (PKS) with Dukcapil, as the bus has to know it."""

    user_id: str
    password: SecretStr
    ip_user: str
    """The address that is registered with Dukcapil, sent in every call."""
    client: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """The part of the path that names the institution."""
    id_lembaga: str
    nama_lembaga: str
    balikan_token: SecretStr
    balikan_path: str = "dukcapil/data_balikan"
    """Where usage data is returned to, below `base_url`; differs by installation."""
    daily_quota: int = Field(default=10_000, ge=0)
    """Calls a day that the agreement allows; lookups and verifications together."""
    cache_seconds: float = Field(default=300.0, ge=0)
    cache_size: int = Field(default=10_000, gt=0)


class Client:
    """Speaks to the registry.

    Args:
        http: a client whose base URL is the registry's.
        settings: the agreement.
    """

    def __init__(self, http: httpx.AsyncClient, settings: KemendagriSettings) -> None:
        self._http = http
        self._settings = settings

    async def lookup(self, elements: Mapping[str, str]) -> Any:
        """The JSON answer of CALL_NIK, keys of the request in small letters."""
        return await self._call("CALL_NIK", {**elements, **self._account()})

    async def verify(self, elements: Mapping[str, str]) -> Any:
        """The JSON answer of CALL_VERIFY_BY_ELEMEN, keys of the request in capitals."""
        account = {name.upper(): value for name, value in self._account().items()}
        return await self._call("CALL_VERIFY_BY_ELEMEN", {**account, **elements})

    async def return_usage(self, institutions: Sequence[Mapping[str, Any]]) -> bool:
        """Return usage data (data balikan): True when the registry took it, False when it says that it has it already.

        Raises:
            AgencyFault: it did not take them.
        """
        token = self._settings.balikan_token.get_secret_value()
        response = await self._post(
            self._settings.balikan_path, institutions, headers={"authorization": f"Bearer {token}"}
        )
        if response.is_success:
            return True
        if response.status_code == 400 and "sudah pernah" in response.text.casefold():
            return False
        raise _fault(response)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    def _account(self) -> dict[str, str]:
        settings = self._settings
        password = settings.password.get_secret_value()
        return {"user_id": settings.user_id, "password": password, "ip_user": settings.ip_user}

    async def _call(self, method: str, body: Mapping[str, str]) -> Any:
        response = await self._post(f"dukcapil/get_json/{self._settings.client}/{method}", body)
        if not response.is_success:
            raise _fault(response)
        try:
            return response.json()
        except ValueError:
            raise AgencyFault(Failure.TRANSIENT, "Dukcapil answered something that is not JSON", status=200) from None

    async def _post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            return await self._http.post(path, json=body, headers=headers)
        except httpx.TimeoutException as error:
            raise AgencyFault(Failure.TRANSIENT, f"Dukcapil did not answer in time ({type(error).__name__})") from None
        except httpx.RequestError as error:
            raise AgencyFault(Failure.TRANSIENT, f"Dukcapil could not be reached ({type(error).__name__})") from None


def _fault(response: httpx.Response) -> AgencyFault:
    status = response.status_code
    wait = response.headers.get("retry-after", "").strip()
    retry_after = float(wait) if wait.isdecimal() else None
    return AgencyFault(_by_status(status), f"Dukcapil answered {status}", retry_after=retry_after, status=status)


def _by_status(status: int) -> Failure:
    if (
        status in (401, 403, 404) or status < 400
    ):  # the account, the client's path or a redirect: every event would fail
        return Failure.SINK_DOWN
    if status in (408, 425, 429) or status >= 500:
        return Failure.TRANSIENT
    return Failure.PERMANENT
