"""What should arrive at each receiver, by sample data, agencies' lists and the contracts' grants alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from adapters.bappenas import simulator as bappenas
from adapters.kominfo import simulator as kominfo
from adapters.ksp import simulator as ksp
from samples import traffic
from samples.flow import Flow, Wanted, Way
from samples.grants import Contract, Grant, describe_content, find_identifiers, list_leaves, number_names
from samples.offices import AGENCIES, OFFICES, Output
from samples.traffic import Item

COMPLAINTS = "pengaduan.laporan"
ANSWERS = "pengaduan.tindak-lanjut"
SERVICES = "layanan.katalog"
LOOKUP = "kependudukan.cari-nik"
USES = "kependudukan.data-balikan"

Sent = Mapping[str, Mapping[str, int]]
"""Office to contract to the number of events that the office sent."""

_RESPONSIBLE = {
    "Dinas Pekerjaan Umum dan Penataan Ruang": "dpupr",
    "Dinas Kependudukan dan Pencatatan Sipil": "dukcapil-lamongan",
    "Dinas Kesehatan": "dinkes",
    "Dinas Sosial": "dinsos",
}

_UNKNOWN = "9999"
"""The end of a NIK that the simulated registry does not find."""

_AGENCY_KEYS = {
    "layanan.katalog": "/kode_layanan",
    "kependudukan.data-balikan": "/id_pelanggan",
    "infrastruktur.ruas-jalan": "/nomor_ruas",
    "satudata.dataset": "/nama",
    "perencanaan.kegiatan": "/kode_sub_kegiatan",
    "pengaduan.tindak-lanjut": "/nomor_laporan",
}
"""Contract to the pointer of the field by which the agency knows an event."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of an agency's list.

    Attributes:
        key: the record's key.
        data: the fields that grants and checks need.
        private: texts that the bus must not hand out.
    """

    key: str
    data: Mapping[str, Any]
    private: frozenset[str] = frozenset()


def list_flows(contracts: Mapping[str, Contract], sent: Sent) -> list[Flow]:
    """Every flow to an app or a simulator of the demo. Events in `sent` after the beginning count as well."""
    found: list[Flow] = []
    for contract in contracts.values():
        said = {office: items for office in OFFICES if (items := _list_items(office, contract.name, sent))}
        for consumer, way in _list_consumers(contract):
            if said:
                found.append(_make_office_flow(contract, consumer, way, said))
            elif rows := _list_rows(contract.name, sent):
                found.append(_make_agency_flow(contract, consumer, way, rows))
    return [*found, *_make_lookup_flows(contracts[LOOKUP], sent)]


def _list_consumers(contract: Contract) -> Iterator[tuple[str, Way]]:
    for consumer in contract.grants:
        office = OFFICES.get(consumer)
        if office and contract.name in office.subscribes:
            yield consumer, Way.WEBHOOK
        if office and contract.name in office.follows:
            yield consumer, Way.FEED
        if office and contract.name == office.keeps:
            yield consumer, Way.RECORDS
        if consumer in AGENCIES and consumer in contract.adapters:
            yield consumer, Way.ADAPTER


def _make_office_flow(contract: Contract, consumer: str, way: Way, said: Mapping[str, list[Item]]) -> Flow:
    items = [item for office in said for item in said[office]]
    grant = contract.grants[consumer]
    if way is Way.ADAPTER:
        at = _AGENCY_KEYS[contract.name]
        wanted = {str(dict(list_leaves(item.data))[at]): Wanted() for item in items}
    elif way is Way.RECORDS:
        # A later event of a record replaces the earlier one.
        wanted = {_find_key(item, contract): shown for item, shown in _show_items(items, grant, contract)}
    elif grant.is_cut:
        each = list(_show_items(items, grant, contract))
        names = number_names(
            describe_content(one.shown or {}, _find_subject(item, grant, contract)) for item, one in each
        )
        wanted = {name: one for name, (_, one) in zip(names, each, strict=True)}
    else:
        wanted = {f"{item.source} {item.id}": shown for item, shown in _show_items(items, grant, contract)}
    known_by = "subject" if way is Way.RECORDS else "content" if grant.is_cut else "id"
    return Flow(contract.name, tuple(said), consumer, way, len(items), wanted, known_by)


def _find_subject(item: Item, grant: Grant, contract: Contract) -> object:
    """The subject of a record's event, as a consumer sees it; None for an event contract."""
    if contract.key is None:
        return None
    data: Any = _find_key(item, contract)
    for name in reversed(contract.key.split("/")[1:]):
        data = {name: data}
    return grant.show(data).get(contract.key)


def _show_items(items: Iterable[Item], grant: Grant, contract: Contract) -> Iterator[tuple[Item, Wanted]]:
    """The items that a consumer gets, as the consumer sees them. A deletion goes to consumers that had the record."""
    records: dict[str, Any] = {}
    for item in items:
        key = _find_key(item, contract)
        data = records[key] = records[key] if item.data is None else item.data
        if grant.gives(data):
            shown = grant.show(data)
            hidden = frozenset(
                find_identifiers(value for _, value in list_leaves(data)) - find_identifiers(shown.values())
            )
            yield item, Wanted(deleted=True, hidden=hidden) if item.data is None else Wanted(shown, hidden=hidden)


def _find_key(item: Item, contract: Contract) -> str:
    """The key of an item's record; under an event contract, the event's id."""
    if item.data is None:
        return str(item.subject)
    return str(dict(list_leaves(item.data))[contract.key]) if contract.key else item.id


def _make_agency_flow(contract: Contract, consumer: str, way: Way, rows: list[_Row]) -> Flow:
    grant = contract.grants[consumer]
    wanted = {
        row.key: Wanted(at_least=dict(list_leaves(row.data)), hidden=row.private)
        for row in rows
        if grant.gives(row.data)
    }
    return Flow(contract.name, contract.producers, consumer, way, len(rows), wanted, known_by="subject")


def _list_items(office: str, contract: str, sent: Sent) -> list[Item]:
    """The items that an office sent, or has to send, under a contract."""
    if contract == ANSWERS:
        return [traffic.make_answer(office, row.key) for row in _find_complaints(office)]
    return [
        item
        for output in OFFICES[office].outputs
        if output.contract == contract
        for item in islice(traffic.make_items(office, contract), _count_items(office, output, sent))
    ]


def _count_items(office: str, output: Output, sent: Sent) -> int:
    return max(traffic.count_events(output), sent.get(office, {}).get(output.contract, 0))


def _find_complaints(office: str) -> list[_Row]:
    known = OFFICES[office]
    rows = _list_rows(COMPLAINTS, {}) if known.answers and COMPLAINTS in known.subscribes else []
    return [row for row in rows if row.data.get("instansi_tujuan") == office]


def _list_rows(contract: str, sent: Sent) -> list[_Row]:
    """The rows that an agency's simulator lists for a contract."""
    match contract:
        case "pengaduan.laporan":
            return [_read_complaint(ksp.make_complaint(number)) for number in range(1, ksp.COMPLAINTS + 1)]
        case "perencanaan.dak":
            years = (int(year) for year in bappenas.SIMULATOR.settings["TAHUN"].split(","))
            return [
                _Row(f"{year}-{row['id_detail_rincian']}", {"tahun": year})
                for year in years
                for row in bappenas.make_rows(year)
            ]
        case "satudata.indikator":
            # Each service in the catalogue corrects one value of the list.
            services = sum(len(_list_items(office, SERVICES, sent)) for office in OFFICES)
            return [_Row(str(row["id"]), _read_value(row["nilai"])) for row in kominfo.make_rows(services)]
        case _:
            return []


def _read_complaint(row: Mapping[str, Any]) -> _Row:
    institution = str((row["institution"] or {}).get("name", ""))
    office = next((ours for theirs, ours in _RESPONSIBLE.items() if institution.startswith(theirs)), None)
    data = {"nomor_laporan": str(row["tracking_id"]), "judul": row["title"].strip()}
    private = frozenset(str(value) for value in row["reporter"].values())
    return _Row(data["nomor_laporan"], data | ({"instansi_tujuan": office} if office else {}), private)


def _read_value(written: str) -> dict[str, Any]:
    text = written.strip().replace(",", ".")
    return {"nilai": float(text)} if text != "-" else {}


def _make_lookup_flows(contract: Contract, sent: Sent) -> Iterator[Flow]:
    """A flow of the questions to the agency, and a flow of the answers to each office."""
    asked = {
        office: [item.data["nik"] for item in said if item.data]
        for office in OFFICES
        if (said := _list_items(office, USES, sent))
    }
    every = [nik for niks in asked.values() for nik in niks]
    (agency,) = contract.producers
    yield Flow(LOOKUP, tuple(asked), agency, Way.QUERY, len(every), dict.fromkeys(every, Wanted()), known_by="subject")
    for office, niks in asked.items():
        fields = contract.grants[office].fields
        answers = {nik: Wanted(at_least={"/ditemukan": not nik.endswith(_UNKNOWN)}, within=fields) for nik in niks}
        yield Flow(LOOKUP, contract.producers, office, Way.QUERY, len(niks), answers, known_by="subject")
