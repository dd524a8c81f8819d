"""The events of each sample app: a pure function of the seed, so that the demo can check every receiver."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from random import Random

from bus.kit import POPULATION_SEED, SEMBUNG, make_population
from samples import data
from samples.data import Data, InvalidSample, Wilayah
from samples.offices import OFFICES, Output

SEED = POPULATION_SEED

_WILAYAH = data.read_wilayah()


@dataclass(frozen=True, slots=True)
class Item:
    """One event that an app sends.

    Attributes:
        id: identifies the event, together with `source`. It holds no person's number, since every consumer may see it.
        source: the CloudEvent's `source`.
        contract: the event's contract.
        data: the event's data; None deletes the record of `subject`.
        subject: the record's key, if `data` does not have it.
    """

    id: str
    source: str
    contract: str
    data: Data | None
    subject: str | None = None


RESIDENTS = make_population()
DECEASED = RESIDENTS[0]
"""A resident of Sembung whose death Dukcapil publishes, and whose record it deletes."""


def count_events(output: Output) -> int:
    """The number of an output's events at the beginning. Without a count: one for each resident, and one deletion."""
    return len(RESIDENTS) + 1 if output.count is None else output.count


def make_items(office: str, contract: str) -> Iterator[Item]:
    """The events of an office under a contract, without end."""
    rng = Random(f"{SEED}/{office}/{contract}")
    source = f"/{office}/contoh"
    for number, (said, subject) in enumerate(_make_data(office, contract, rng), start=1):
        yield Item(f"{contract}-{number:06}", source, contract, said, subject)


def make_answer(office: str, number: str) -> Item:
    """An office's answer to the complaint with this number."""
    said = data.make_tindak_lanjut(Random(f"{SEED}/{number}"), SEMBUNG, number) | {"instansi": office}
    return Item(f"jawaban-{number}", f"/{office}/pengaduan", "pengaduan.tindak-lanjut", said)


def make_mistakes(office: str) -> list[InvalidSample]:
    """Events that the bus must refuse: bad data of the office's own contracts. The tax office also sends a resident."""
    own = {output.contract for output in OFFICES[office].outputs}
    wrong = [sample for sample in data.make_invalid_samples() if sample.contract in own]
    if office == "bapenda":
        wrong.append(InvalidSample("kependudukan.penduduk", DECEASED, "a resident, sent by an office that may not"))
    return wrong


def _make_data(office: str, contract: str, rng: Random) -> Iterator[tuple[Data | None, str | None]]:
    if contract == "kependudukan.penduduk":
        yield from ((person, None) for person in RESIDENTS)
        yield None, DECEASED["nik"]
    if contract == "kependudukan.peristiwa":
        yield data.make_kematian(rng, SEMBUNG, DECEASED), None
    makes = data.SAMPLES[contract]
    own = _name_office(office, contract)
    for number, desa in enumerate(_choose_villages(rng), start=1):
        yield makes(rng, desa) | {name: form.format(number) for name, form in own.items()}, None


def _name_office(office: str, contract: str) -> Mapping[str, str]:
    """Fields of an office's data that name the office; `{}` stands for the item's number."""
    match contract:
        case "layanan.katalog":
            return {"opd": office, "kode_layanan": f"{office}.contoh-{{:06}}"}
        case "kependudukan.data-balikan":
            return {"lembaga": office, "id_pelanggan": f"{office}-{{:06}}"}
        case "perencanaan.kegiatan":
            return {"kode_sub_kegiatan": "1.03.10.2.01.{:04}"}
        case _:
            return {}


def _choose_villages(rng: Random) -> Iterator[Wilayah]:
    """Villages of the 27 kecamatan in turn. Sembung is the first of each round."""
    for kecamatan in cycle(place for place in _WILAYAH if place.is_kecamatan):
        inside = [place for place in _WILAYAH if place.is_desa and place.kode.startswith(f"{kecamatan.kode}.")]
        yield SEMBUNG if SEMBUNG in inside else rng.choice(inside)
