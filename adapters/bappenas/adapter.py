"""The adapter of Bappenas: delivers datasets to CKAN and sub-activities to KRISNA, and polls DAK and activities from KRISNA."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field, SecretStr

from adapters.bappenas import activity, dak
from adapters.bappenas.ckan import Ckan
from adapters.bappenas.datastore import TABLE_FIELDS, Datastore
from adapters.bappenas.krisna import Krisna
from adapters.bappenas.mapping import ACTIVITY_FIELDS, DATASET_FIELDS, write_activity, write_package
from bus.kit import (
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
    Rows,
    deliver_one_by_one,
    make_http_client,
)

_NOT_THERE: Final = (404, 410)
_RESOURCES: Final[Mapping[str, tuple[str, Callable[[list[Any], int], Rows]]]] = {
    "dak": ("dak", dak.read_year),
    "kegiatan-krisna": ("kegiatan", activity.read_activities),
}
"""A poll to KRISNA's resource, and to the function that reads the rows of a budget year."""


def _split_at_commas(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


def _split_pairs(value: Any) -> Any:
    """The mapping that a text such as `dpupr:dinas-pupr` says."""
    if not isinstance(value, str):
        return value
    return {name.strip(): of.strip() for name, _, of in (one.partition(":") for one in value.split(",") if one.strip())}


class BappenasSettings(AdapterSettings):
    """The addresses and accounts of KRISNA (`base_url`) and CKAN."""

    krisna_apikey: SecretStr
    kode_pemda: str
    """The regency's code in KRISNA: `3524`."""
    tahun: Annotated[tuple[int, ...], BeforeValidator(_split_at_commas), Field(min_length=1)]
    """The budget years whose DAK and activities the bus polls, separated by commas.

    Remove a year that KRISNA no longer serves; the records of this year stay.
    """
    ckan_url: BaseUrl | None = None
    """CKAN's address; None: `base_url`, as in the simulator."""
    ckan_token: SecretStr
    ckan_organization: str = "kabupaten-lamongan"
    """CKAN's name of the organisation that owns the datasets."""
    ckan_organizations: Annotated[Mapping[str, str], BeforeValidator(_split_pairs)] = Field({})
    """Offices with an organisation of their own in CKAN: `dpupr:dinas-pupr,dinkes:dinas-kesehatan`."""


class BappenasAdapter(Deliver, Poll):
    """Speaks to KRISNA and to the CKAN of Satu Data Indonesia.

    Args:
        krisna: KRISNA's API.
        ckan: CKAN's API.
        organization: CKAN's name of the organisation that owns the datasets.
        years: the budget years that are polled.
        organizations: office to CKAN's name of its own organisation, for offices that have one.
    """

    def __init__(
        self,
        krisna: Krisna,
        ckan: Ckan,
        *,
        organization: str,
        years: Sequence[int],
        organizations: Mapping[str, str] | None = None,
    ) -> None:
        self._krisna = krisna
        self._ckan = ckan
        self._datastore = Datastore(ckan)
        self._organization = organization
        self._organizations = organizations or {}
        self._years = years

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send the events one by one, since neither system accepts several in a request."""
        send = {"dataset": self._send_dataset, "tabel": self._send_table, "kegiatan": self._send_activity}[operation]
        return await deliver_one_by_one(events, send)

    async def _send_dataset(self, event: Event) -> None:
        if event.data is None:
            await self._ckan.delete(str(event.subject))
        else:
            owner = self._organizations.get(event.data.get("produsen", ""), self._organization)
            await self._ckan.upsert(write_package(event.data, owner))

    async def _send_table(self, event: Event) -> None:
        if event.data is None:
            await self._datastore.delete(str(event.subject))
        else:
            await self._datastore.put(event.data)

    async def _send_activity(self, event: Event) -> None:
        if event.data is None:
            detail = f"KRISNA accepts no deletions: tell Bappenas that sub-activity {event.subject} was dropped"
            raise AgencyFault(Failure.PERMANENT, detail)
        await self._krisna.put_activity(event.data["tahun_anggaran"], write_activity(event.data))

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """One step: the rows of one budget year. The years take turns; a year that KRISNA lacks holds up no other year."""
        turn = dak.read_turn(cursor)
        year = self._years[turn % len(self._years)]
        rows, fault = None, None
        try:
            resource, read = _RESOURCES[operation]
            rows = await self._krisna.fetch_rows(resource, year, lambda entries: read(entries, year))
        except AgencyFault as raised:
            if not _may_concern_one_year(raised):
                raise
            fault = AgencyFault(raised.failure, f"budget year {year}: {raised.detail}", status=raised.status)
        return Polled([], dak.write_turn(turn + 1), (turn + 1) % len(self._years) != 0, rows, fault)

    async def close(self) -> None:
        """Close all connections."""
        await self._krisna.close()
        await self._ckan.close()


def _may_concern_one_year(fault: AgencyFault) -> bool:
    """Whether KRISNA may answer for another budget year: it answers, takes the key, and asks for no pause."""
    if fault.status is None or fault.retry_after is not None:
        return False
    return fault.failure is not Failure.SINK_DOWN or fault.status in _NOT_THERE


class BappenasFactory:
    """Declares the adapter and makes it."""

    name: ClassVar[str] = "bappenas"
    participant: ClassVar[str] = "bappenas"
    settings: ClassVar[type[AdapterSettings]] = BappenasSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("dataset", Does.DELIVER, fields=DATASET_FIELDS, least=Classification.PUBLIC),
        Operation("tabel", Does.DELIVER, fields=TABLE_FIELDS, least=Classification.PUBLIC),
        Operation("kegiatan", Does.DELIVER, fields=ACTIVITY_FIELDS, least=Classification.INTERNAL),
        Operation(
            "dak",
            Does.POLL,
            contract=dak.CONTRACT,
            interval=3600.0,
            fields=dak.FIELDS,
            least=Classification.INTERNAL,
        ),
        Operation(
            "kegiatan-krisna",
            Does.POLL,
            contract=activity.CONTRACT,
            interval=3600.0,
            fields=activity.ACTIVITY_FIELDS,
            least=Classification.INTERNAL,
        ),
    )

    def create(self, settings: BappenasSettings) -> BappenasAdapter:
        """The adapter, with an HTTP client of its own for each of the two systems."""
        krisna = Krisna(make_http_client(settings), settings.krisna_apikey, settings.kode_pemda)
        ckan = Ckan(
            make_http_client(settings, base_url=settings.ckan_url),
            settings.ckan_token,
            settings.ckan_organization,
            settings.ckan_organizations.values(),
        )
        return BappenasAdapter(
            krisna,
            ckan,
            organization=settings.ckan_organization,
            years=settings.tahun,
            organizations=settings.ckan_organizations,
        )


FACTORY = BappenasFactory()
