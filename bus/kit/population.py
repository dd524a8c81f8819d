"""Made-up residents of Lamongan, in the form of the contract `kependudukan.penduduk`.

The names are invented, and a NIK's serial number is 9000 or more, so no resident exists. The same seed gives the same residents
everywhere: to the sample apps, and to the simulators of agencies.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from bus.kit.wilayah import Wilayah, read_wilayah

Data = dict[str, Any]

TODAY = date(2026, 6, 30)
"""The samples' own current date, so that the data do not change with the calendar."""

MEN = ("Agus", "Bagus", "Budi", "Eko", "Hadi", "Joko", "Slamet", "Wahyu")
WOMEN = ("Dewi", "Indah", "Lestari", "Melati", "Rini", "Siti", "Sri", "Wati")
FAMILY_NAMES = ("Andaikan", "Contoh", "Fiktif", "Misalnya", "Percobaan", "Rekaan", "Sampel", "Ujicoba")
RELIGIONS = ("islam", "kristen", "katolik", "hindu", "buddha", "khonghucu", "kepercayaan")
JOBS = ("petani", "nelayan", "pedagang", "guru", "buruh harian lepas", "karyawan swasta", "mengurus rumah tangga")
BLOOD_GROUPS = ("A", "B", "AB", "O")


POPULATION_SEED = 3524
SEMBUNG = Wilayah("35.24.01.2001", "Sembung", "Sukorame")
"""A village of which the population has two families more."""


def make_population(seed: int = POPULATION_SEED) -> list[Data]:
    """Two families of Sembung, and one of a village in each of the 27 kecamatan; each resident with another NIK."""
    rng = Random(seed)  # noqa: S311  the same residents each time
    residents = {person["nik"]: person for _ in range(2) for person in make_keluarga(rng, SEMBUNG)}
    residents |= {person["nik"]: person for person in make_all_penduduk(rng, read_wilayah())}
    return list(residents.values())


def make_all_penduduk(rng: Random, wilayah: Sequence[Wilayah], families: int = 1) -> list[Data]:
    """Residents of every kecamatan, each with another NIK.

    Args:
        rng: the random numbers.
        wilayah: the regions.
        families: the number of families in each kecamatan.
    """
    residents: dict[str, Data] = {}
    for kecamatan in filter(lambda place: place.is_kecamatan, wilayah):
        villages = [place for place in wilayah if place.is_desa and place.kode.startswith(kecamatan.kode)]
        for _ in range(families):
            residents |= {person["nik"]: person for person in make_keluarga(rng, rng.choice(villages))}
    return list(residents.values())


def make_keluarga(rng: Random, desa: Wilayah) -> list[Data]:
    """A family: parents and up to three children, with one nomor KK and one address."""
    name = rng.choice(FAMILY_NAMES)
    married = pick_day(rng, date(2000, 1, 1), date(2012, 12, 31))
    father = _make_person(rng, desa, "laki-laki", pick_birth_date(rng, married, 21, 35), name)
    mother = _make_person(rng, desa, "perempuan", pick_birth_date(rng, married, 20, 30), name)
    father |= {"status_perkawinan": "kawin", "hubungan_keluarga": "kepala keluarga"}
    mother |= {"status_perkawinan": "kawin", "hubungan_keluarga": "istri", "agama": father["agama"]}
    family = [father, mother, *(_make_child(rng, desa, father, mother, married) for _ in range(rng.randint(0, 3)))]
    shared = {"nomor_kk": make_nomor_kk(rng, desa, married), "alamat": make_alamat(rng, desa)}
    return [person | shared for person in family]


def make_penduduk(rng: Random, desa: Wilayah) -> Data:
    """An adult resident, the head of a family of one (`kependudukan.penduduk`)."""
    sex = rng.choice(("laki-laki", "perempuan"))
    person = _make_person(rng, desa, sex, pick_birth_date(rng, TODAY, 18, 85), rng.choice(FAMILY_NAMES))
    issued = pick_day(rng, date(2018, 1, 1), TODAY)
    return person | {"nomor_kk": make_nomor_kk(rng, desa, issued), "alamat": make_alamat(rng, desa)}


def make_nik(rng: Random, kecamatan: str, born: date, sex: str) -> str:
    """A made-up NIK in Dukcapil's form: region of registration, birth date, serial number. A woman's day has 40 added.

    Args:
        rng: the random numbers, for the serial number (9000 to 9999).
        kecamatan: a region code with dots; its kecamatan is the region of registration.
        born: the birth date.
        sex: `laki-laki` or `perempuan`.
    """
    day = born.day + (40 if sex == "perempuan" else 0)
    return f"{_write_region(kecamatan)}{day:02}{born:%m%y}{rng.randint(9000, 9999)}"


def make_nomor_kk(rng: Random, desa: Wilayah, issued: date) -> str:
    """A made-up family card number: region, date of issue, serial."""
    return f"{_write_region(desa.kode)}{issued:%d%m%y}{rng.randint(9000, 9999)}"


def make_alamat(rng: Random, desa: Wilayah) -> Data:
    """An address in a desa."""
    return {
        "jalan": f"Dusun Contoh {rng.randint(1, 99)}",
        "rt": f"{rng.randint(1, 12):03}",
        "rw": f"{rng.randint(1, 6):03}",
        "kode_wilayah": desa.kode,
        "desa": desa.nama,
        "kecamatan": desa.kecamatan,
    }


def pick_day(rng: Random, first: date, last: date) -> date:
    """A day from `first` to `last`, both included."""
    return first + timedelta(days=rng.randint(0, (last - first).days))


def pick_birth_date(rng: Random, day: date, least: int, most: int) -> date:
    """The birth date of a person who is `least` to `most` years old on `day`."""
    return day - timedelta(days=rng.randint(least * 366, most * 365))


def make_full_name(rng: Random, sex: str, family_name: str) -> str:
    """A made-up person's name: a usual first name, and a family name that no person has."""
    return f"{rng.choice(WOMEN if sex == 'perempuan' else MEN)} {family_name}"


def _make_person(rng: Random, desa: Wilayah, sex: str, born: date, family_name: str) -> Data:
    return {
        "nik": make_nik(rng, desa.kode, born, sex),
        "nama": make_full_name(rng, sex, family_name),
        "tempat_lahir": "Lamongan",
        "tanggal_lahir": born.isoformat(),
        "jenis_kelamin": sex,
        "agama": rng.choice(RELIGIONS),
        "status_perkawinan": "belum kawin",
        "hubungan_keluarga": "kepala keluarga",
        "pendidikan": rng.choice(("SD/sederajat", "SLTP/sederajat", "SLTA/sederajat", "Diploma IV/Strata I")),
        "pekerjaan": rng.choice(JOBS),
        "golongan_darah": rng.choice(BLOOD_GROUPS),
        "status_ktp_el": "sudah cetak",
    }


def _make_child(rng: Random, desa: Wilayah, father: Data, mother: Data, married: date) -> Data:
    sex = rng.choice(("laki-laki", "perempuan"))
    born = pick_day(rng, married + timedelta(days=300), married + timedelta(days=12 * 365))
    child = _make_person(rng, desa, sex, born, father["nama"].split()[-1])
    return child | {
        "agama": mother["agama"],
        "hubungan_keluarga": "anak",
        "pendidikan": "Tidak/belum sekolah",
        "pekerjaan": "belum/tidak bekerja",
        "nama_ayah": father["nama"],
        "nama_ibu": mother["nama"],
        "status_ktp_el": "belum rekam",
    }


def _write_region(kode: str) -> str:
    return kode[:8].replace(".", "")
