"""Kominfo's APIs behind SPLP: the national catalogue of services, and the list of indicators."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from adapters.kominfo.mapping import has_succeeded, read_indicators
from bus.kit import MOST_ROWS, AgencyFault, Failure, Gateway, Row, SplpSettings, fold, read_as_sent, read_object

_LONGEST_MESSAGE = 200

T = TypeVar("T")


class KominfoSettings(SplpSettings):
    """The APIs to which the bus's application has a subscription, each as `{context}/{version}`."""

    katalog: str = "katalog-layanan/1.0"
    indikator: str = "satu-data-indikator/1.0"


class Client:
    """Speaks to both APIs through one gateway."""

    def __init__(self, gateway: Gateway, settings: KominfoSettings) -> None:
        self._gateway = gateway
        self._catalogue = f"{settings.katalog.strip('/')}/layanan"
        self._indicators = f"{settings.indikator.strip('/')}/indikator"

    async def put_service(self, entry: Mapping[str, Any]) -> None:
        """Add a service to the catalogue. It replaces the service with the same code.

        Raises:
            AgencyFault: the catalogue does not have the service; permanent if it refuses the entry.
        """
        await _read(await self._gateway.call("POST", self._catalogue, json=entry), _check_taken)

    async def delete_service(self, code: str) -> None:
        """Remove a service from the catalogue. An unknown code counts as removed.

        Raises:
            AgencyFault: the catalogue did not answer.
        """
        try:
            await self._gateway.call("DELETE", f"{self._catalogue}/{quote(code, safe='')}")
        except AgencyFault as fault:
            if fault.status != httpx.codes.NOT_FOUND:
                raise

    async def fetch_indicators(self) -> list[Row]:
        """All rows of the list.

        Raises:
            AgencyFault: the API gave no list that can be read.
        """
        response = await self._gateway.call("GET", self._indicators)
        return await read_as_sent("an API behind SPLP", response, lambda answer: _read_rows(fold(answer)))

    async def close(self) -> None:
        """Close all connections."""
        await self._gateway.close()


async def _read(response: httpx.Response, read: Callable[[Mapping[str, Any]], T]) -> T:
    return await read_object("an API behind SPLP", response, lambda answer: read(fold(answer)))


def _check_taken(answer: Mapping[str, Any]) -> None:
    if not has_succeeded(answer):
        # The message alone says what to mend. It may be shown, since the catalogue is public.
        message = str(answer.get("api_message", ""))[:_LONGEST_MESSAGE]
        raise AgencyFault(Failure.PERMANENT, f"the catalogue refuses the service: {message}", status=200)


def _read_rows(answer: Any) -> list[Row]:
    rows = answer.get("data") if isinstance(answer, dict) and has_succeeded(answer) else None
    if not isinstance(rows, list):
        raise AgencyFault(Failure.TRANSIENT, "the list API says that it failed", status=200)
    if len(rows) > MOST_ROWS:
        raise AgencyFault(Failure.TRANSIENT, f"the list API answered more than {MOST_ROWS} rows", status=200)
    return read_indicators(rows)
