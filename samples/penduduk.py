"""Made-up residents: names are plainly invented, and a NIK's serial number is 9000 or more, so nobody here exists."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from samples.wilayah import Wilayah

Data = dict[str, Any]

TODAY = date(2026, 6, 30)
"""The samples' own day, so that they do not change with the calendar."""

MEN = ("Agus", "Bagus", "Budi", "Eko", "Hadi", "Joko", "Slamet", "Wahyu")
WOMEN = ("Dewi", "Indah", "Lestari", "Melati", "Rini", "Siti", "Sri", "Wati")
FAMILY_NAMES = ("Andaikan", "Contoh", "Fiktif", "Misalnya", "Percobaan", "Rekaan", "Sampel", "Ujicoba")
RELIGIONS = ("islam", "kristen", "katolik", "hindu", "buddha", "khonghucu", "kepercayaan")
JOBS = ("petani", "nelayan", "pedagang", "guru", "buruh harian lepas", "karyawan swasta", "mengurus rumah tangga")
BLOOD_GROUPS = ("A", "B", "AB", "O")


def all_penduduk(rng: Random, wilayah: Sequence[Wilayah], families: int = 1) -> list[Data]:
    """Residents of every kecamatan, `families` families in each, no NIK twice."""
    residents: dict[str, Data] = {}
    for kecamatan in filter(lambda place: place.is_kecamatan, wilayah):
        villages = [place for place in wilayah if place.is_desa and place.kode.startswith(kecamatan.kode)]
        for _ in range(families):
            residents |= {person["nik"]: person for person in keluarga(rng, rng.choice(villages))}
    return list(residents.values())


def keluarga(rng: Random, desa: Wilayah) -> list[Data]:
    """A family: parents and up to three children who share the nomor KK and the address."""
    name = rng.choice(FAMILY_NAMES)
    married = some_day(rng, date(2000, 1, 1), date(2012, 12, 31))
    father = _person(rng, desa, "laki-laki", years_before(rng, married, 21, 35), name)
    mother = _person(rng, desa, "perempuan", years_before(rng, married, 20, 30), name)
    father |= {"status_perkawinan": "kawin", "hubungan_keluarga": "kepala keluarga"}
    mother |= {"status_perkawinan": "kawin", "hubungan_keluarga": "istri", "agama": father["agama"]}
    family = [father, mother, *(_child(rng, desa, father, mother, married) for _ in range(rng.randint(0, 3)))]
    shared = {"nomor_kk": nomor_kk(rng, desa, married), "alamat": alamat(rng, desa)}
    return [person | shared for person in family]


def penduduk(rng: Random, desa: Wilayah) -> Data:
    """A grown-up resident, head of a family of one (`kependudukan.penduduk`)."""
    sex = rng.choice(("laki-laki", "perempuan"))
    person = _person(rng, desa, sex, years_before(rng, TODAY, 18, 85), rng.choice(FAMILY_NAMES))
    issued = some_day(rng, date(2018, 1, 1), TODAY)
    return person | {"nomor_kk": nomor_kk(rng, desa, issued), "alamat": alamat(rng, desa)}


def nik(rng: Random, kecamatan: str, born: date, sex: str) -> str:
    """A made-up NIK, built as Dukcapil builds it: region of registration, birth date with 40 added to a woman's day, serial.

    Args:
        rng: where the serial number (9000 to 9999) comes from.
        kecamatan: a region code with dots; its kecamatan is the region of registration.
        born: the birth date.
        sex: `laki-laki` or `perempuan`.
    """
    day = born.day + (40 if sex == "perempuan" else 0)
    return f"{_region(kecamatan)}{day:02}{born:%m%y}{rng.randint(9000, 9999)}"


def nomor_kk(rng: Random, desa: Wilayah, issued: date) -> str:
    """A made-up family card number: region, date of issue, serial."""
    return f"{_region(desa.kode)}{issued:%d%m%y}{rng.randint(9000, 9999)}"


def alamat(rng: Random, desa: Wilayah) -> Data:
    """An address in a desa."""
    return {
        "jalan": f"Dusun Contoh {rng.randint(1, 99)}",
        "rt": f"{rng.randint(1, 12):03}",
        "rw": f"{rng.randint(1, 6):03}",
        "kode_wilayah": desa.kode,
        "desa": desa.nama,
        "kecamatan": desa.kecamatan,
    }


def some_day(rng: Random, first: date, last: date) -> date:
    """A day from `first` to `last`, both included."""
    return first + timedelta(days=rng.randint(0, (last - first).days))


def years_before(rng: Random, day: date, least: int, most: int) -> date:
    """The birth date of somebody who on `day` is from `least` to `most` years old."""
    return day - timedelta(days=rng.randint(least * 366, most * 365))


def full_name(rng: Random, sex: str, family_name: str) -> str:
    """A made-up person's name: a usual first name, and a family name that nobody bears."""
    return f"{rng.choice(WOMEN if sex == 'perempuan' else MEN)} {family_name}"


def _person(rng: Random, desa: Wilayah, sex: str, born: date, family_name: str) -> Data:
    return {
        "nik": nik(rng, desa.kode, born, sex),
        "nama": full_name(rng, sex, family_name),
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


def _child(rng: Random, desa: Wilayah, father: Data, mother: Data, married: date) -> Data:
    sex = rng.choice(("laki-laki", "perempuan"))
    born = some_day(rng, married + timedelta(days=300), married + timedelta(days=12 * 365))
    child = _person(rng, desa, sex, born, father["nama"].split()[-1])
    return child | {
        "agama": mother["agama"],
        "hubungan_keluarga": "anak",
        "pendidikan": "Tidak/belum sekolah",
        "pekerjaan": "belum/tidak bekerja",
        "nama_ayah": father["nama"],
        "nama_ibu": mother["nama"],
        "status_ktp_el": "belum rekam",
    }


def _region(kode: str) -> str:
    return kode[:8].replace(".", "")
