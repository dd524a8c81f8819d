"""The adapter of PUPR: keeps the regency's road segments in a feature layer, and polls national roads from SIGI."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from adapters.pupr.client import FeatureLayer
from adapters.pupr.mapping import SEGMENT_FIELDS, plan_edits
from adapters.pupr.road import CONTRACT, ROAD_FIELDS, read_roads
from adapters.pupr.sigi import Sigi, SigiAccount
from bus.kit import (
    DELIVERED,
    AdapterSettings,
    AgencyFault,
    BaseUrl,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Operation,
    Outcome,
    Poll,
    Polled,
    make_http_client,
    run_apart,
)


class PuprSettings(AdapterSettings):
    """The address of PUPR's feature layer with the bus's token, and the bus's account at SIGI."""

    token: SecretStr
    layer: str = "arcgis/rest/services/infrastruktur/ruas_jalan/FeatureServer/0"
    """Path of the layer below `base_url`."""
    sigi_url: BaseUrl | None = None
    """SIGI's address; None: `base_url`, as in the simulator."""
    sigi_email: str = ""
    sigi_token: SecretStr | None = None
    """SIGI's token; None: the bus has no account at SIGI, and polls no roads."""
    sigi_layer: str = Field(default="jalan_nasional", pattern=r"^[A-Za-z0-9._-]+$")
    """The layer's name in SIGI's path."""
    sigi_filter: str = "KODE_KAB='3524'"
    """SIGI's filter of the layer; empty: the whole layer."""


class PuprAdapter(Deliver, Poll):
    """Speaks to one feature layer of PUPR, and to SIGI.

    Args:
        layer: the layer with the regency's road segments.
        sigi: SIGI; None: the bus has no account there.
        sigi_layer: the name of SIGI's layer of national roads.
        sigi_filter: SIGI's filter of this layer.
    """

    def __init__(
        self,
        layer: FeatureLayer,
        sigi: Sigi | None = None,
        *,
        sigi_layer: str = "jalan_nasional",
        sigi_filter: str = "",
    ) -> None:
        self._layer = layer
        self._sigi = sigi
        self._sigi_layer = sigi_layer
        self._sigi_filter = sigi_filter

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """All roads of SIGI's layer."""
        if self._sigi is None:
            raise AgencyFault(Failure.SINK_DOWN, "the bus has no account at SIGI: give SIGI_EMAIL and SIGI_TOKEN")
        features = await self._sigi.fetch_features(self._sigi_layer, self._sigi_filter)
        return Polled([], None, rows=await run_apart(lambda: read_roads(features)))

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Bring the layer up to date. Of several events of one segment, the last is sent, and its outcome is theirs."""
        newest = {_find_number(event): event.data for event in events}
        arrived = await self._deliver(newest)
        return [arrived[_find_number(event)] for event in events]

    async def _deliver(self, segments: Mapping[str, Any]) -> Mapping[str, Outcome]:
        try:
            return await self._apply(segments)
        except AgencyFault as fault:
            if fault.failure is not Failure.PERMANENT:
                raise
            if len(segments) == 1:
                return dict.fromkeys(segments, fault.to_outcome())
        # The layer refused the whole request because of one segment. Each segment alone shows which one.
        alone: dict[str, Outcome] = {}
        for number, data in segments.items():
            alone |= await self._deliver({number: data})
        return alone

    async def _apply(self, segments: Mapping[str, Any]) -> Mapping[str, Outcome]:
        there = await self._layer.find_existing(list(segments))
        changes = [edit for number, data in segments.items() for edit in plan_edits(number, data, there)]
        arrived = await self._layer.apply(changes) if changes else {}
        return {number: arrived.get(number, DELIVERED) for number in segments}

    async def close(self) -> None:
        """Close all connections."""
        await self._layer.close()
        if self._sigi is not None:
            await self._sigi.close()


def _find_number(event: Event) -> str:
    """The segment number: the record's key, since a deletion has no data."""
    return event.subject or str(event.data["nomor_ruas"])


class PuprFactory:
    """Declares the adapter and makes it."""

    name: ClassVar[str] = "pupr"
    participant: ClassVar[str] = "pupr"
    settings: ClassVar[type[AdapterSettings]] = PuprSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("ruas-jalan", Does.DELIVER, batch=50, fields=SEGMENT_FIELDS, least=Classification.PUBLIC),
        Operation(
            "jalan-nasional",
            Does.POLL,
            contract=CONTRACT,
            interval=6 * 3600.0,
            fields=ROAD_FIELDS,
            least=Classification.PUBLIC,
        ),
    )

    def create(self, settings: PuprSettings) -> PuprAdapter:
        """The adapter, with an HTTP client of its own for each of the two systems."""
        return PuprAdapter(
            FeatureLayer(make_http_client(settings), settings.layer, settings.token),
            _make_sigi(settings),
            sigi_layer=settings.sigi_layer,
            sigi_filter=settings.sigi_filter,
        )


def _make_sigi(settings: PuprSettings) -> Sigi | None:
    if settings.sigi_token is None:
        return None
    http = make_http_client(settings, base_url=settings.sigi_url)
    return Sigi(http, SigiAccount(settings.sigi_email, settings.sigi_token))


FACTORY = PuprFactory()
