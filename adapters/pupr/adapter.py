"""The adapter of PUPR: adds, updates and deletes the regency's road segments in a feature layer."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from adapters.pupr.client import FeatureLayer
from adapters.pupr.mapping import SEGMENT_FIELDS, plan_edits
from bus.kit import (
    DELIVERED,
    AdapterSettings,
    AgencyFault,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Operation,
    Outcome,
    make_http_client,
)


class PuprSettings(AdapterSettings):
    """The address of PUPR's layer, and the bus's token."""

    token: SecretStr
    layer: str = "arcgis/rest/services/infrastruktur/ruas_jalan/FeatureServer/0"
    """Path of the layer below `base_url`."""


class PuprAdapter(Deliver):
    """Speaks to one feature layer of PUPR."""

    def __init__(self, layer: FeatureLayer) -> None:
        self._layer = layer

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
    )

    def create(self, settings: PuprSettings) -> PuprAdapter:
        """The adapter, with an HTTP client of its own."""
        return PuprAdapter(FeatureLayer(make_http_client(settings), settings.layer, settings.token))


FACTORY = PuprFactory()
