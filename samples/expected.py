"""What should arrive where, from the sample data, the agencies' lists and the contracts' grants alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from adapters.bappenas import simulator as bappenas
from adapters.kominfo import simulator as kominfo
from adapters.ksp import simulator as ksp
from samples import traffic
from samples.flow import Flow, Wanted, Way
from samples.grants import Contract, Grant, content, identifiers, leaves, numbered
from samples.offices import AGENCIES, OFFICES, Output
from samples.traffic import Item

COMPLAINTS = "pengaduan.laporan"
ANSWERS = "pengaduan.tindak-lanjut"
SERVICES = "layanan.katalog"
LOOKUP = "kependudukan.cari-nik"
USES = "kependudukan.data-balikan"

Sent = Mapping[str, Mapping[str, int]]
"""How many events each office has sent under each contract."""

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
"""By which of its fields an agency can be asked whether it has an event."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What an agency lists: as much of it as grants and checks speak of, and what the bus must not pass on."""

    key: str
    data: Mapping[str, Any]
    private: frozenset[str] = frozenset()


def flows(contracts: Mapping[str, Contract], sent: Sent) -> list[Flow]:
    """Every flow to an app or a simulator that takes part. `sent`: what was sent beyond the beginning counts too."""
    found: list[Flow] = []
    for contract in contracts.values():
        said = {office: items for office in OFFICES if (items := _said(office, contract.name, sent))}
        for consumer, way in _consumers(contract):
            if said:
                found.append(_of_offices(contract, consumer, way, said))
            elif rows := _rows(contract.name, sent):
                found.append(_of_agency(contract, consumer, way, rows))
    return [*found, *_lookups(contracts[LOOKUP], sent)]


def _consumers(contract: Contract) -> Iterator[tuple[str, Way]]:
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


def _of_offices(contract: Contract, consumer: str, way: Way, said: Mapping[str, list[Item]]) -> Flow:
    items = [item for office in said for item in said[office]]
    grant = contract.grants[consumer]
    if way is Way.ADAPTER:
        at = _AGENCY_KEYS[contract.name]
        wanted = {str(dict(leaves(item.data))[at]): Wanted() for item in items}
    elif way is Way.RECORDS:
        # The later of two events of one record takes the place of the earlier.
        wanted = {_key(item, contract): shown for item, shown in _shown(items, grant, contract)}
    elif grant.cuts:
        each = list(_shown(items, grant, contract))
        names = numbered(content(one.shown or {}, _subject(item, grant, contract)) for item, one in each)
        wanted = {name: one for name, (_, one) in zip(names, each, strict=True)}
    else:
        wanted = {f"{item.source} {item.id}": shown for item, shown in _shown(items, grant, contract)}
    known_by = "subject" if way is Way.RECORDS else "content" if grant.cuts else "id"
    return Flow(contract.name, tuple(said), consumer, way, len(items), wanted, known_by)


def _subject(item: Item, grant: Grant, contract: Contract) -> object:
    """The subject of a record's event as a consumer sees it; None: an event of no record has none here."""
    if contract.key is None:
        return None
    data: Any = _key(item, contract)
    for name in reversed(contract.key.split("/")[1:]):
        data = {name: data}
    return grant.shows(data).get(contract.key)


def _shown(items: Iterable[Item], grant: Grant, contract: Contract) -> Iterator[tuple[Item, Wanted]]:
    """What a consumer gets of some events. A deletion goes to those who had the record."""
    records: dict[str, Any] = {}
    for item in items:
        key = _key(item, contract)
        data = records[key] = records[key] if item.data is None else item.data
        if grant.gives(data):
            shown = grant.shows(data)
            hidden = frozenset(identifiers(value for _, value in leaves(data)) - identifiers(shown.values()))
            yield item, Wanted(deleted=True, hidden=hidden) if item.data is None else Wanted(shown, hidden=hidden)


def _key(item: Item, contract: Contract) -> str:
    """The record that an item is about; of an event contract, whose events are no records, the event itself."""
    if item.data is None:
        return str(item.subject)
    return str(dict(leaves(item.data))[contract.key]) if contract.key else item.id


def _of_agency(contract: Contract, consumer: str, way: Way, rows: list[_Row]) -> Flow:
    grant = contract.grants[consumer]
    wanted = {
        row.key: Wanted(at_least=dict(leaves(row.data)), hidden=row.private) for row in rows if grant.gives(row.data)
    }
    return Flow(contract.name, contract.producers, consumer, way, len(rows), wanted, known_by="subject")


def _said(office: str, contract: str, sent: Sent) -> list[Item]:
    """What an office says under a contract, from the beginning to where it is."""
    if contract == ANSWERS:
        return [traffic.answer(office, row.key) for row in _complaints_for(office)]
    return [
        item
        for output in OFFICES[office].outputs
        if output.contract == contract
        for item in islice(traffic.items(office, contract), _count(office, output, sent))
    ]


def _count(office: str, output: Output, sent: Sent) -> int:
    return max(traffic.count(output), sent.get(office, {}).get(output.contract, 0))


def _complaints_for(office: str) -> list[_Row]:
    known = OFFICES[office]
    rows = _rows(COMPLAINTS, {}) if known.answers and COMPLAINTS in known.subscribes else []
    return [row for row in rows if row.data.get("instansi_tujuan") == office]


def _rows(contract: str, sent: Sent) -> list[_Row]:
    """What an agency's simulator lists under a contract."""
    match contract:
        case "pengaduan.laporan":
            return [_complaint(ksp.make_complaint(number)) for number in range(1, ksp.COMPLAINTS + 1)]
        case "perencanaan.dak":
            years = (int(year) for year in bappenas.SIMULATOR.settings["TAHUN"].split(","))
            return [
                _Row(f"{year}-{row['id_detail_rincian']}", {"tahun": year})
                for year in years
                for row in bappenas.make_rows(year)
            ]
        case "satudata.indikator":
            # The list corrects one value for each service in the catalogue.
            services = sum(len(_said(office, SERVICES, sent)) for office in OFFICES)
            return [_Row(str(row["id"]), _value(row["nilai"])) for row in kominfo.make_rows(services)]
        case _:
            return []


def _complaint(row: Mapping[str, Any]) -> _Row:
    institution = str((row["institution"] or {}).get("name", ""))
    office = next((ours for theirs, ours in _RESPONSIBLE.items() if institution.startswith(theirs)), None)
    data = {"nomor_laporan": str(row["tracking_id"]), "judul": row["title"].strip()}
    private = frozenset(str(value) for value in row["reporter"].values())
    return _Row(data["nomor_laporan"], data | ({"instansi_tujuan": office} if office else {}), private)


def _value(written: str) -> dict[str, Any]:
    text = written.strip().replace(",", ".")
    return {"nilai": float(text)} if text != "-" else {}


def _lookups(contract: Contract, sent: Sent) -> Iterator[Flow]:
    """The questions about a NIK that reach the agency, and the answers that come back to who asked."""
    asked = {
        office: [item.data["nik"] for item in said if item.data]
        for office in OFFICES
        if (said := _said(office, USES, sent))
    }
    every = [nik for niks in asked.values() for nik in niks]
    (agency,) = contract.producers
    yield Flow(LOOKUP, tuple(asked), agency, Way.QUERY, len(every), dict.fromkeys(every, Wanted()), known_by="subject")
    for office, niks in asked.items():
        fields = contract.grants[office].fields
        answers = {nik: Wanted(at_least={"/ditemukan": not nik.endswith(_UNKNOWN)}, within=fields) for nik in niks}
        yield Flow(LOOKUP, contract.producers, office, Way.QUERY, len(niks), answers, known_by="subject")
