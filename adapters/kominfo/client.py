"""Kominfo's APIs behind SPLP: the national catalogue of services, and the list of indicators."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from adapters.kominfo.mapping import has_failed, has_succeeded, read_indicators
from bus.kit import (
    MOST_ROWS,
    AgencyFault,
    Failure,
    Gateway,
    Row,
    SplpSettings,
    fold,
    make_status_fault,
    read_as_sent,
    read_list,
    read_object,
    says_absent,
    says_denied,
)

_LONGEST_MESSAGE = 200
_THINGS = frozenset({"layanan", "kode"})

T = TypeVar("T")


class KominfoSettings(SplpSettings):
    """The APIs to which the bus's application has a subscription, each as `{context}/{version}`."""

    katalog: str = "katalog-layanan/1.0"
    indikator: str = "satu-data-indikator/1.0"
    katalog_apikey: SecretStr | None = None
    indikator_apikey: SecretStr | None = None
    """The key of an API that takes `apikey` in place of a token; None: the API takes the application's token."""
    token_header: Literal["authorization", "AuthorizationSPLP"] = "authorization"  # noqa: S105  a header
    """The header in which the gateway takes the application's token."""


class Client:
    """Speaks to both APIs through one gateway."""

    def __init__(self, gateway: Gateway, settings: KominfoSettings) -> None:
        self._gateway = gateway
        self._catalogue_key, self._indicators_key = settings.katalog_apikey, settings.indikator_apikey
        self._catalogue = f"{settings.katalog.strip('/')}/layanan"
        self._indicators = f"{settings.indikator.strip('/')}/indikator"

    async def put_service(self, entry: Mapping[str, Any]) -> None:
        """Add a service to the catalogue. It replaces the service with the same code.

        Raises:
            AgencyFault: the catalogue does not have the service; permanent if it refuses the entry.
        """
        await _read(
            await self._gateway.call("POST", self._catalogue, json=entry, apikey=self._catalogue_key), _check_taken
        )

    async def delete_service(self, code: str) -> None:
        """Remove a service from the catalogue. A code that the catalogue says it does not have counts as removed.

        Raises:
            AgencyFault: the catalogue does not say that the service is gone.
        """
        path = f"{self._catalogue}/{quote(code, safe='')}"
        response = await self._gateway.call("DELETE", path, also=(httpx.codes.NOT_FOUND,), apikey=self._catalogue_key)
        if response.status_code == httpx.codes.NO_CONTENT:
            return
        try:
            await _read(response, _check_gone)
        except AgencyFault as fault:
            # A 404 that is not in the catalogue's own words is about the address.
            raise fault if response.is_success else make_status_fault("the catalogue", response) from None

    async def fetch_indicators(self) -> list[Row]:
        """All rows of the list.

        Raises:
            AgencyFault: the API gave no list that can be read.
        """
        response = await self._gateway.call("GET", self._indicators, apikey=self._indicators_key)
        return await read_as_sent("an API behind SPLP", response, lambda answer: _read_rows(fold(answer)))

    async def close(self) -> None:
        """Close all connections."""
        await self._gateway.close()


async def _read(response: httpx.Response, read: Callable[[Mapping[str, Any]], T]) -> T:
    return await read_object("an API behind SPLP", response, lambda answer: read(fold(answer)))


def _check_taken(answer: Mapping[str, Any]) -> None:
    if not has_succeeded(answer):
        raise _make_fault(answer)


def _check_gone(answer: Mapping[str, Any]) -> None:
    if not has_succeeded(answer) and not (has_failed(answer) and says_absent(answer.get("api_message"), _THINGS)):
        raise _make_fault(answer)


def _make_fault(answer: Mapping[str, Any]) -> AgencyFault:
    message = answer.get("api_message")
    if any(says_denied(value) for value in answer.values()):
        return AgencyFault(Failure.SINK_DOWN, "the catalogue refuses the bus's account", status=200)
    if not has_failed(answer):
        return AgencyFault(Failure.TRANSIENT, "the catalogue says neither success nor failure", status=200)
    # The message alone says what to mend. It may be shown, since the catalogue is public.
    detail = f"the catalogue refuses the service: {str(message or '')[:_LONGEST_MESSAGE]}"
    return AgencyFault(Failure.PERMANENT, detail, status=200)


def _read_rows(answer: Any) -> list[Row]:
    rows = read_list(answer.get("data")) if isinstance(answer, dict) and has_succeeded(answer) else None
    if rows is None:
        raise AgencyFault(Failure.TRANSIENT, "the list API says that it failed", status=200)
    if len(rows) > MOST_ROWS:
        raise AgencyFault(Failure.TRANSIENT, f"the list API answered more than {MOST_ROWS} rows", status=200)
    return read_indicators(rows)
