"""What each sample app says, item by item: a pure function of the seed, so that whoever receives it can be checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from random import Random

from samples import data
from samples.data import Data, InvalidSample, Wilayah
from samples.offices import OFFICES, Output

SEED = 3524
SEMBUNG = Wilayah("35.24.01.2001", "Sembung", "Sukorame")
"""The village that takes part in the samples."""

_WILAYAH = data.read_wilayah()


@dataclass(frozen=True, slots=True)
class Item:
    """One event that an app sends.

    Attributes:
        id: with `source` identifies it. It holds no person's number: consumers who may not see one see ids.
        subject: the record's key where `data` does not say it.
        data: None deletes the record that `subject` names.
    """

    id: str
    source: str
    contract: str
    data: Data | None
    subject: str | None = None


def initial_residents() -> list[Data]:
    """Two families of Sembung, and one of a village in each of the 27 kecamatan."""
    rng = Random(SEED)
    residents = {person["nik"]: person for _ in range(2) for person in data.keluarga(rng, SEMBUNG)}
    residents |= {person["nik"]: person for person in data.all_penduduk(rng, _WILAYAH)}
    return list(residents.values())


RESIDENTS = initial_residents()
DECEASED = RESIDENTS[0]
"""A resident of Sembung whose death is told, and whose record is deleted."""


def count(output: Output) -> int:
    """How many events of an output are sent at the beginning: the residents, and the deletion of one."""
    return len(RESIDENTS) + 1 if output.count is None else output.count


def items(office: str, contract: str) -> Iterator[Item]:
    """What an office says under a contract, without end."""
    rng = Random(f"{SEED}/{office}/{contract}")
    source = f"/{office}/contoh"
    for number, (said, subject) in enumerate(_said(office, contract, rng), start=1):
        yield Item(f"{contract}-{number:06}", source, contract, said, subject)


def answer(office: str, number: str) -> Item:
    """An office's answer to the complaint with this number."""
    said = data.tindak_lanjut(Random(f"{SEED}/{number}"), SEMBUNG, number) | {"instansi": office}
    return Item(f"jawaban-{number}", f"/{office}/pengaduan", "pengaduan.tindak-lanjut", said)


def mistakes(office: str) -> list[InvalidSample]:
    """What an office sends that must be refused: bad data of its own contracts, and from the tax office somebody else's."""
    own = {output.contract for output in OFFICES[office].outputs}
    wrong = [sample for sample in data.invalid_samples() if sample.contract in own]
    if office == "bapenda":
        wrong.append(InvalidSample("kependudukan.penduduk", DECEASED, "a resident, sent by an office that may not"))
    return wrong


def _said(office: str, contract: str, rng: Random) -> Iterator[tuple[Data | None, str | None]]:
    if contract == "kependudukan.penduduk":
        yield from ((person, None) for person in RESIDENTS)
        yield None, DECEASED["nik"]
    if contract == "kependudukan.peristiwa":
        yield data.kematian(rng, SEMBUNG, DECEASED), None
    makes = data.SAMPLES[contract]
    own = _own(office, contract)
    for number, desa in enumerate(_villages(rng), start=1):
        yield makes(rng, desa) | {name: form.format(number) for name, form in own.items()}, None


def _own(office: str, contract: str) -> Mapping[str, str]:
    """What in an office's data names the office itself; `{}` is the item's number."""
    match contract:
        case "layanan.katalog":
            return {"opd": office, "kode_layanan": f"{office}.contoh-{{:06}}"}
        case "kependudukan.data-balikan":
            return {"lembaga": office, "id_pelanggan": f"{office}-{{:06}}"}
        case "perencanaan.kegiatan":
            return {"kode_sub_kegiatan": "1.03.10.2.01.{:04}"}
        case _:
            return {}


def _villages(rng: Random) -> Iterator[Wilayah]:
    """Villages of the 27 kecamatan in turn, Sembung the first of each round."""
    for kecamatan in cycle(place for place in _WILAYAH if place.is_kecamatan):
        inside = [place for place in _WILAYAH if place.is_desa and place.kode.startswith(f"{kecamatan.kode}.")]
        yield SEMBUNG if SEMBUNG in inside else rng.choice(inside)
