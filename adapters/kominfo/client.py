"""Kominfo's APIs behind SPLP: the national catalogue of services, and the list of indicators."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from adapters.kominfo.mapping import succeeded
from bus.kit import AgencyFault, Failure, Gateway, SplpSettings, folded, json_object

_LONGEST_MESSAGE = 200


class KominfoSettings(SplpSettings):
    """The APIs that the bus's application is subscribed to, each as `{context}/{version}`."""

    katalog: str = "katalog-layanan/1.0"
    indikator: str = "satu-data-indikator/1.0"


class Client:
    """Speaks to both APIs through one gateway."""

    def __init__(self, gateway: Gateway, settings: KominfoSettings) -> None:
        self._gateway = gateway
        self._catalogue = f"{settings.katalog.strip('/')}/layanan"
        self._indicators = f"{settings.indikator.strip('/')}/indikator"

    async def put_service(self, entry: Mapping[str, Any]) -> None:
        """Add a service to the catalogue, or replace the one of its code.

        Raises:
            AgencyFault: permanent where the catalogue refuses the entry.
        """
        answer = _read(await self._gateway.call("POST", self._catalogue, json=entry))
        if not succeeded(answer):
            # The catalogue is public data, so its message may be shown; it is the only one that says what to mend.
            message = str(answer.get("api_message", ""))[:_LONGEST_MESSAGE]
            raise AgencyFault(Failure.PERMANENT, f"the catalogue refuses the service: {message}", status=200)

    async def delete_service(self, code: str) -> None:
        """Take a service out of the catalogue; one that is not there is taken out already.

        Raises:
            AgencyFault: the catalogue did not answer.
        """
        try:
            await self._gateway.call("DELETE", f"{self._catalogue}/{quote(code, safe='')}")
        except AgencyFault as fault:
            if fault.status != httpx.codes.NOT_FOUND:
                raise

    async def indicators(self) -> list[Mapping[str, Any]]:
        """All rows of the list, folded.

        Raises:
            AgencyFault: the list could not be read.
        """
        answer = _read(await self._gateway.call("GET", self._indicators))
        rows = answer.get("data")
        if not succeeded(answer) or not isinstance(rows, list):
            raise AgencyFault(Failure.TRANSIENT, "the list API says that it failed", status=200)
        return [row for row in rows if isinstance(row, dict)]

    async def close(self) -> None:
        """Let go of connections."""
        await self._gateway.close()


def _read(response: httpx.Response) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = folded(json_object("an API behind SPLP", response))
    return answer
