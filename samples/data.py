"""Made-up data for every contract under which regency apps publish. The same random state gives the same data.

No person here exists: the names are invented, and a made-up NIK has a serial number of 9000 or more.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any, NamedTuple

from bus.kit import (
    FAMILY_NAMES,
    TODAY,
    Wilayah,
    make_alamat,
    make_all_penduduk,
    make_full_name,
    make_keluarga,
    make_nik,
    make_penduduk,
    pick_birth_date,
    pick_day,
    read_wilayah,
)

__all__ = [
    "SAMPLES",
    "TODAY",
    "Data",
    "InvalidSample",
    "Wilayah",
    "make_alamat",
    "make_all_penduduk",
    "make_data_balikan",
    "make_dataset",
    "make_invalid_samples",
    "make_izin",
    "make_kegiatan",
    "make_kelahiran",
    "make_keluarga",
    "make_kematian",
    "make_layanan",
    "make_nik",
    "make_penduduk",
    "make_peristiwa",
    "make_pindah",
    "make_ruas_jalan",
    "make_tindak_lanjut",
    "read_wilayah",
]

Data = dict[str, Any]

WIB = timezone(timedelta(hours=7))

OFFICES = ("bapenda", "dinkes", "dinsos", "dpmptsp", "dpupr", "dukcapil-lamongan", "satpol-pp")


def make_kelahiran(rng: Random, desa: Wilayah) -> Data:
    """A birth (`kependudukan.peristiwa`); the NIK is the child's."""
    sex = rng.choice(("laki-laki", "perempuan"))
    born = pick_day(rng, date(2026, 1, 1), TODAY)
    mother = make_nik(rng, desa.kode, pick_birth_date(rng, born, 20, 40), "perempuan")
    event = _make_event(rng, desa, "kelahiran", born) | {"nik": make_nik(rng, desa.kode, born, sex)}
    event["nama"] = make_full_name(rng, sex, rng.choice(FAMILY_NAMES))
    event["kelahiran"] = {
        "nik_ibu": mother,
        "jenis_kelamin": sex,
        "anak_ke": rng.randint(1, 4),
        "berat_gram": rng.randint(2400, 4200),
        "panjang_cm": rng.randint(45, 54),
        "tempat": rng.choice(("rumah sakit", "puskesmas", "polindes")),
        "penolong": rng.choice(("dokter", "bidan")),
    }
    return event


def make_kematian(rng: Random, desa: Wilayah, person: Data | None = None) -> Data:
    """A death (`kependudukan.peristiwa`), of `person` or of a new person."""
    event = _make_event(rng, desa, "kematian", pick_day(rng, date(2026, 1, 1), TODAY)) | _make_identity(
        rng, desa, person
    )
    event["kematian"] = {
        "sebab": rng.choice(("sakit biasa atau tua", "kecelakaan", "lainnya")),
        "tempat": rng.choice(("rumah", "rumah sakit")),
        "yang_menerangkan": rng.choice(("dokter", "tenaga kesehatan")),
    }
    return event


def make_pindah(rng: Random, desa: Wilayah, person: Data | None = None) -> Data:
    """A move out of the regency (`kependudukan.peristiwa`), of `person` or of a new person."""
    event = _make_event(rng, desa, "pindah", pick_day(rng, date(2026, 1, 1), TODAY)) | _make_identity(rng, desa, person)
    event["pindah"] = {
        "kode_wilayah_tujuan": rng.choice(("35.25.01.2003", "35.78.01.1001", "35.23.02.2005")),
        "alasan": rng.choice(("pekerjaan", "pendidikan", "keluarga")),
        "jumlah_anggota": rng.randint(1, 5),
    }
    return event


def make_peristiwa(rng: Random, desa: Wilayah) -> Data:
    """A birth, a death or a move (`kependudukan.peristiwa`)."""
    return rng.choice((make_kelahiran, make_kematian, make_pindah))(rng, desa)


def make_data_balikan(rng: Random, desa: Wilayah, person: Data | None = None) -> Data:
    """The report of one use of a NIK (`kependudukan.data-balikan`)."""
    return {
        "nik": _make_identity(rng, desa, person)["nik"],
        "lembaga": rng.choice(("dinkes", "dinsos", "dpmptsp")),
        "id_pelanggan": f"PLG-{rng.randrange(10**9):09}",
        "keperluan": "pelayanan",
        "waktu_akses": _pick_time(rng),
    }


def make_izin(rng: Random, desa: Wilayah) -> Data:
    """A business licence of a natural person (`perizinan.izin`)."""
    owner = make_penduduk(rng, desa)
    return {
        "nomor_izin": f"IZN-2026-{rng.randrange(10**9):09}",
        "nib": f"9{rng.randrange(10**12):012}",
        "jenis": rng.choice(("sertifikat standar", "izin usaha", "persetujuan bangunan gedung", "izin reklame")),
        "tingkat_risiko": rng.choice(("rendah", "menengah rendah", "menengah tinggi", "tinggi")),
        "kbli": rng.choice(("03111", "10214", "47112", "56101")),
        "nama_usaha": f"{rng.choice(('Warung', 'Toko', 'Tambak', 'Bengkel'))} {rng.choice(FAMILY_NAMES)}",
        "status": rng.choice(("terbit", "terbit", "terbit", "verifikasi", "dicabut")),
        "tanggal_terbit": pick_day(rng, date(2026, 1, 1), TODAY).isoformat(),
        "pemilik": {"jenis": "perorangan", "nama": owner["nama"], "nik": owner["nik"]},
        "lokasi": {
            "alamat": make_alamat(rng, desa),
            "titik": {"type": "Point", "coordinates": _pick_position(rng)},
            "luas_m2": rng.randint(20, 5000),
        },
        "retribusi": rng.randint(0, 40) * 50_000,
    }


def make_ruas_jalan(rng: Random, desa: Wilayah) -> Data:
    """A regency road segment in the desa's kecamatan (`infrastruktur.ruas-jalan`)."""
    iri = round(rng.uniform(2, 16), 1)
    return {
        "nomor_ruas": f"{desa.kode[:8]}.{rng.randrange(10**6):06}",
        "nama_ruas": f"{desa.kecamatan} – {desa.nama}",
        "status_jalan": "kabupaten",
        "panjang_km": round(rng.uniform(0.4, 18), 2),
        "lebar_m": rng.choice((3, 3.5, 4, 4.5, 5, 6)),
        "jenis_permukaan": rng.choice(("aspal", "beton", "paving", "kerikil")),
        "kondisi": _find_condition(iri),
        "iri": iri,
        "tahun_survei": 2025,
        "kode_wilayah": [desa.kode[:8]],
        "geometri": {"type": "LineString", "coordinates": _make_line(rng, points=rng.randint(2, 12))},
    }


def make_kegiatan(rng: Random, desa: Wilayah) -> Data:
    """A planned sub-activity (`perencanaan.kegiatan`)."""
    budget = rng.randint(50, 5000) * 1_000_000
    return {
        "kode_sub_kegiatan": f"1.03.{rng.randint(1, 99):02}.2.{rng.randint(1, 99):02}.{rng.randint(1, 9999):04}",
        "nama_sub_kegiatan": rng.choice(("Rehabilitasi jalan", "Pembangunan jembatan", "Normalisasi saluran")),
        "tahun_anggaran": 2026,
        "opd": "dpupr",
        "pagu": budget,
        "tahapan": rng.choice(("renja", "rkpd", "apbd")),
        "indikator": [{"uraian": "Panjang yang ditangani", "target": rng.randint(1, 40), "satuan": "Kilometer"}],
        "lokasi": [desa.kode[:8]],
        "sumber_dana": [{"kode": "1.1", "nama": "Dana Alokasi Umum", "jumlah": budget}],
    }


def make_dataset(rng: Random, desa: Wilayah) -> Data:
    """A data set's metadata (`satudata.dataset`)."""
    name = f"jumlah-penduduk-{desa.kode.replace('.', '-')}-{rng.randrange(10**6):06}"
    return {
        "nama": name,
        "judul": f"Jumlah penduduk {desa.nama}",
        "deskripsi": "Jumlah penduduk menurut jenis kelamin dan kelompok umur (data contoh).",
        "produsen": "dukcapil-lamongan",
        "kata_kunci": ["penduduk", "umur"],
        "topik": "kependudukan",
        "frekuensi": rng.choice(("bulanan", "triwulanan", "tahunan")),
        "lisensi": "CC-BY-4.0",
        "konsep": "Penduduk",
        "definisi": "Orang yang bertempat tinggal di suatu wilayah menurut Kartu Keluarga.",
        "klasifikasi": "jenis kelamin, kelompok umur",
        "ukuran": "jumlah",
        "satuan": "orang",
        "cakupan_wilayah": desa.kode,
        "diperbarui": _pick_time(rng),
        "kontak": "walidata@contoh.lamongankab.go.id",
        "sumber_daya": [
            {"nama": "Tabel", "url": f"https://data.contoh.lamongankab.go.id/{name}.csv", "format": "CSV"},
        ],
    }


def make_layanan(rng: Random, desa: Wilayah) -> Data:
    """A public service of an office (`layanan.katalog`)."""
    office = rng.choice(OFFICES)
    return {
        "kode_layanan": f"{office}.{rng.randrange(10**9):09}",
        "nama": rng.choice(("Konsultasi", "Pengaduan", "Permohonan surat keterangan", "Pendaftaran")),
        "opd": office,
        "deskripsi": f"Layanan contoh di {desa.kecamatan}.",
        "sasaran": rng.choice(("penduduk", "pelaku usaha", "umum")),
        "persyaratan": ["KTP-el", "Kartu Keluarga"][: rng.randint(0, 2)],
        "biaya": rng.choice((0, 0, 0, 25_000)),
        "waktu_hari": rng.randint(0, 14),
        "kanal": [{"jenis": "loket", "keterangan": "Hari kerja 08.00–15.00"}],
        "kontak": {"surel": f"{office}@contoh.lamongankab.go.id"},
        "status": "aktif",
        "diperbarui": _pick_time(rng),
    }


def make_tindak_lanjut(rng: Random, desa: Wilayah, laporan: str | None = None) -> Data:
    """An office's answer to a complaint (`pengaduan.tindak-lanjut`), with the number `laporan` or a new one."""
    return {
        "nomor_laporan": laporan or f"9{rng.randrange(10**6):06}",
        "instansi": rng.choice(OFFICES),
        "isi": f"Petugas sudah memeriksa lokasi di {desa.nama}.",
        "status": rng.choice(("diproses", "selesai")),
        "waktu": _pick_time(rng),
    }


SAMPLES: Mapping[str, Callable[[Random, Wilayah], Data]] = {
    "infrastruktur.ruas-jalan": make_ruas_jalan,
    "kependudukan.data-balikan": make_data_balikan,
    "kependudukan.penduduk": make_penduduk,
    "kependudukan.peristiwa": make_peristiwa,
    "layanan.katalog": make_layanan,
    "pengaduan.tindak-lanjut": make_tindak_lanjut,
    "perencanaan.kegiatan": make_kegiatan,
    "perizinan.izin": make_izin,
    "satudata.dataset": make_dataset,
}
"""Contract to the function that makes valid data, for every contract under which regency apps publish."""


class InvalidSample(NamedTuple):
    """Data that the gate must refuse.

    Attributes:
        contract: the event's contract.
        data: the event's data.
        why: what is wrong with the data, for people.
    """

    contract: str
    data: Data
    why: str


def make_invalid_samples() -> list[InvalidSample]:
    """Bad data for each mistake that apps make, each wrong in one place only."""
    rng, desa = Random(3524), Wilayah("35.24.01.2001", "Sembung", "Sukorame")
    person, birth, licence, road = (
        make(rng, desa) for make in (make_penduduk, make_kelahiran, make_izin, make_ruas_jalan)
    )
    without_name = {field: value for field, value in person.items() if field != "nama"}
    elsewhere = person["alamat"] | {"kode_wilayah": "35.78.01.1001"}
    undotted = person["alamat"] | {"kode_wilayah": "3524012001"}
    mistakes: dict[str, list[tuple[Data, str]]] = {
        "kependudukan.penduduk": [
            (person | {"nik": int(person["nik"])}, "NIK as a number"),
            (person | {"nik": person["nik"][:12] + "0000"}, "NIK with serial 0000"),
            (person | {"nik": person["nik"][:6] + "32" + person["nik"][8:]}, "NIK with a day that no calendar has"),
            (person | {"hobi": "memancing"}, "a property that the contract does not have"),
            (person | {"tanggal_lahir": "31-12-1990"}, "a date that is not ISO 8601"),
            (person | {"tanggal_lahir": "1990-02-30"}, "a date that does not exist"),
            (without_name, "a missing name"),
            (person | {"alamat": elsewhere}, "an address outside Lamongan"),
            (person | {"alamat": undotted}, "a region code without dots"),
        ],
        "kependudukan.peristiwa": [
            (birth | {"jenis": "kematian"}, "a death with the details of a birth"),
        ],
        "perizinan.izin": [
            (licence | {"status": "aktif sekali"}, "a status that does not exist"),
            (licence | {"nib": licence["nib"][:-1]}, "a NIB that is too short"),
            (licence | {"retribusi": "250000"}, "money as text"),
        ],
        "infrastruktur.ruas-jalan": [
            (road | {"geometri": {"type": "LineString", "coordinates": [[112.4, -7.1]]}}, "a line of one point"),
            (road | {"geometri": {"type": "LineString", "coordinates": [[-7.1, 112.4]] * 2}}, "the latitude first"),
            (road | {"kondisi": "rusak"}, "a condition class that does not exist"),
        ],
    }
    return [InvalidSample(contract, data, why) for contract, bad in mistakes.items() for data, why in bad]


def _make_event(rng: Random, desa: Wilayah, kind: str, happened: date) -> Data:
    reported = min(happened + timedelta(days=rng.randint(0, 30)), TODAY)
    return {
        "nomor_peristiwa": f"{kind.upper()}-{rng.randrange(10**9):09}",
        "jenis": kind,
        "tanggal_peristiwa": happened.isoformat(),
        "tanggal_lapor": reported.isoformat(),
        "kode_wilayah": desa.kode,
    }


def _make_identity(rng: Random, desa: Wilayah, person: Data | None) -> Data:
    known = person or make_penduduk(rng, desa)
    return {field: known[field] for field in ("nik", "nomor_kk", "nama")}


def _pick_time(rng: Random) -> str:
    office_hours = time(rng.randint(7, 15), rng.randint(0, 59), tzinfo=WIB)
    return datetime.combine(pick_day(rng, date(2026, 1, 1), TODAY), office_hours).isoformat()


def _pick_position(rng: Random) -> list[float]:
    # The regency's middle is 7.1 S, 112.4 E; GeoJSON writes the longitude first (RFC 7946, 3.1.1).
    return [round(112.4 + rng.uniform(-0.2, 0.2), 6), round(-7.1 + rng.uniform(-0.15, 0.15), 6)]


def _make_line(rng: Random, points: int) -> list[list[float]]:
    line = [_pick_position(rng)]
    while len(line) < points:
        longitude, latitude = line[-1]
        line.append([round(longitude + rng.uniform(0, 0.01), 6), round(latitude + rng.uniform(-0.005, 0.005), 6)])
    return line


def _find_condition(iri: float) -> str:
    classes = ((4, "baik"), (8, "sedang"), (12, "rusak ringan"))
    return next((name for limit, name in classes if iri <= limit), "rusak berat")
