"""A simulator of Dukcapil's web service: knows a made-up resident for every well-formed NIK of Lamongan.

A NIK of the made-up population is its resident, the same as in the sample apps. Every run answers the same. The last four
digits choose the special cases: 9999 is not found, 9411 deceased, 9412 duplicate, 9414 inactive.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse

from bus.kit import OUTAGES, SimulatedFaults, Simulator, Wilayah, make_population, make_simulator_app, read_wilayah

ACCOUNT = {"user_id": "lamongan-simulasi", "password": "sandi-simulasi", "ip_user": "10.35.24.1"}
BALIKAN_TOKEN = "token-balikan-simulasi"  # noqa: S105  made up
SETTINGS = {
    **ACCOUNT,
    "client": "kab_lamongan",
    "id_lembaga": "3524",
    "nama_lembaga": "PEMERINTAH KABUPATEN LAMONGAN",
    "balikan_token": BALIKAN_TOKEN,
}
FAULTS = {
    **OUTAGES,
    "login": "200 with RESPON Login Gagal",
    "ip": "200 with RESPON IP Address Tidak Sesuai",
    "quota": "200 with RESPON Kuota Akses Hari ini telah Habis",
    "outside-hours": "200 with RESPON for a call outside the access hours",
    "incomplete": "200 with RESPON for a call that lacks a parameter",
    "unprocessable": "200 with RESPON for a NIK that cannot be processed",
    "no-account": "200 with RESPON for a call without user or password",
    "unknown-ip": "200 with RESPON IP Client Tidak terdaftar",
    "institution-inactive": "200 with RESPON for an institution that is not active",
    "inactive": "200 with RESPON User ID Tidak Aktif",
    "denied": "200 with RESPON Akses Ditolak, and a code that no list has",
    "old": "an older installation: refusals without RESPONSE_CODE",
    "balikan-token": "the token for data balikan is refused with 401",
}
_REFUSALS = {
    "login": ("03", "Login Gagal"),
    "ip": ("04", "IP Address Tidak Sesuai"),
    "quota": ("05", "Kuota Akses Hari ini telah Habis"),
    "outside-hours": ("06", "Akses di luar jam yang diizinkan"),
    "incomplete": ("07", "Parameter tidak lengkap"),
    "unprocessable": ("08", "NIK tidak dapat diproses"),
    "no-account": ("09", "Login Gagal, User ID atau Password kosong"),
    "unknown-ip": ("10", "IP Client Tidak terdaftar"),
    "institution-inactive": ("16", "Lembaga Tidak Aktif"),
    "denied": ("99", "Akses Ditolak"),
    "inactive": ("17", "User ID Tidak Aktif"),
}
_SPECIAL = {
    "9999": ("13", "Data Tidak Ditemukan"),
    "9411": ("11", "Data Ditemukan, Status Meninggal Dunia"),
    "9412": ("12", "Data Ditemukan, Status Data Ganda"),
    "9414": ("14", "Data Ditemukan, Status Non Aktif"),
}
_MEN = ("SUTARJO", "WAHYUDI", "SLAMET", "KASMIN", "ARIFIN", "BAGASKARA")
_WOMEN = ("SUNDARI", "LESTARI", "KUSTINI", "RUKMINI", "AMINAH", "WULANDARI")
_FAMILY = ("SIMULASI", "CONTOH", "REKAAN", "PERAGA", "TIRUAN")
_NIK = re.compile(r"3524(0[1-9]|1\d|2[0-7])([04][1-9]|[1256]\d|[37][01])(0[1-9]|1[0-2])\d\d(?!0000)\d{4}")

Choice = TypeVar("Choice")


def create_app(faults: SimulatedFaults) -> FastAPI:
    """The registry as an ASGI application, with these faults on."""
    received: list[dict[str, Any]] = []
    returned: set[tuple[str, str, str]] = set()
    app = make_simulator_app("Dukcapil", faults, received, lambda: {"data_balikan": sorted(returned)})
    app.state.faults = faults
    app.state.received = received
    app.state.returned = returned
    app.post("/dukcapil/get_json/{client}/CALL_NIK")(_call_nik)
    app.post("/dukcapil/get_json/{client}/CALL_VERIFY_BY_ELEMEN")(_call_verify)
    app.post("/dukcapil/data_balikan")(_data_balikan)
    return app


async def _call_nik(client: str, request: Request) -> Any:
    """Look up one NIK. Refusals come at HTTP 200, too."""
    body = _capitalize(await request.json())
    refused = _admit(request, body)
    if refused:
        return _make_page(refused)
    _store(request, "CALL_NIK", {"NIK": body.get("NIK")})
    nik = str(body.get("NIK", ""))
    if not _NIK.fullmatch(nik):
        return _make_page(_make_respon(request, "15", "NIK Bukan Format NIK"))
    special = _SPECIAL.get(nik[-4:])
    if special:
        content = _make_respon(request, *special)
        return _make_page(content if nik.endswith("9999") else {**make_resident(nik), **content})
    return _make_page(make_resident(nik))


async def _call_verify(client: str, request: Request) -> Any:
    """Compare elements of one resident with the registry."""
    body = _capitalize(await request.json())
    refused = _admit(request, body)
    if refused:
        return _make_page(refused)
    account = {"USER_ID", "PASSWORD", "IP_USER", "TRESHOLD"}
    asked = {name: value for name, value in body.items() if name not in account}
    _store(request, "CALL_VERIFY_BY_ELEMEN", asked)
    nik = str(body.get("NIK", ""))
    if not _NIK.fullmatch(nik) or nik.endswith("9999"):
        return _make_page(_make_respon(request, "13", "Data Tidak Ditemukan"))
    return {**_make_page(_compare(make_resident(nik), asked)), "quotaLimiter": 56616}


async def _data_balikan(request: Request, authorization: Annotated[str, Header()] = "") -> Any:
    """Take usage data. What was sent before is refused with 400."""
    if "balikan-token" in request.app.state.faults or authorization != f"Bearer {BALIKAN_TOKEN}":
        return JSONResponse({"message": "Unauthorized"}, 401)
    uses = [
        (block["nama_lembaga"], item["NIK"], param["CUSTOMER_ID"])
        for block in await request.json()
        for item in block["data"]
        for param in item["param"]
    ]
    if any(use in request.app.state.returned for use in uses):
        return JSONResponse({"message": "Data sudah pernah dikirim"}, 400)
    request.app.state.returned.update(uses)
    for lembaga, nik, pelanggan in uses:
        _store(request, "data-balikan", {"nama_lembaga": lembaga, "NIK": nik, "CUSTOMER_ID": pelanggan})
    return {"message": "Success"}


def _capitalize(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name.upper(): value for name, value in body.items()}


def _admit(request: Request, body: Mapping[str, Any]) -> dict[str, Any] | None:
    for fault, (code, text) in _REFUSALS.items():
        if fault in request.app.state.faults:
            return _make_respon(request, code, text)
    if any(body.get(name.upper()) != ACCOUNT[name] for name in ("user_id", "password")):
        return _make_respon(request, *_REFUSALS["login"])
    if body.get("IP_USER") != ACCOUNT["ip_user"]:
        return _make_respon(request, *_REFUSALS["ip"])
    return None


def _make_respon(request: Request, code: str, text: str) -> dict[str, Any]:
    return {"RESPON": text} if "old" in request.app.state.faults else {"RESPONSE_CODE": code, "RESPON": text}


def _make_page(content: Mapping[str, Any]) -> dict[str, Any]:
    count = {"numberOfElements": 1, "totalElements": 1, "number": 0, "size": 1}
    return {"content": [content], "firstPage": True, "lastPage": True, "sort": None, **count}


def _store(request: Request, operation: str, body: Mapping[str, Any]) -> None:
    request.app.state.received.append({"operation": operation, **body})


def _compare(known: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, str]:
    def judge(name: str, value: str) -> str:
        if name == "TGL_LHR":
            day, month, year = value.split("-")
            return "Sesuai" if known[name] == f"{year}-{month}-{day}" else "Tidak Sesuai"
        if str(known.get(name, "")).casefold() == value.strip().casefold():
            return "Sesuai (100)" if name in ("NAMA_LGKP", "ALAMAT", "TMPT_LHR") else "Sesuai"
        return "Tidak Sesuai (59)" if name in ("NAMA_LGKP", "ALAMAT", "TMPT_LHR") else "Tidak Sesuai"

    return {name: judge(name, str(value)) for name, value in asked.items()}


def _pick(nik: str, what: str, choices: Sequence[Choice]) -> Choice:
    return choices[hashlib.sha256(f"{nik}{what}".encode()).digest()[0] % len(choices)]


def make_resident(nik: str) -> dict[str, Any]:
    """The made-up resident with this NIK, in the registry's elements: numbers as JSON numbers, so leading zeros are gone.

    A NIK of the made-up population is its resident. Any other NIK decides the resident alone.
    """
    day, month, year = int(nik[6:8]), nik[8:10], int(nik[10:12])
    woman = day > 40
    village = _find_village(nik)
    made_up = {
        "NIK": int(nik),
        "NO_KK": int(f"{nik[:6]}010120{nik[12:]}"),
        "NAMA_LGKP": f"{_pick(nik, 'nama', _WOMEN if woman else _MEN)} {_pick(nik, 'keluarga', _FAMILY)}",
        "TMPT_LHR": "LAMONGAN",
        "TGL_LHR": f"{1900 + year if year > 26 else 2000 + year}-{month}-{day - 40 if woman else day:02d}",
        "JENIS_KLMIN": "PEREMPUAN" if woman else "LAKI-LAKI",
        "AGAMA": "ISLAM",
        "STATUS_KAWIN": _pick(nik, "kawin", ("KAWIN", "BELUM KAWIN")),
        "STAT_HBKEL": _pick(nik, "hubungan", ("KEPALA KELUARGA", "ISTRI", "ANAK")),
        "PDDK_AKH": _pick(nik, "pendidikan", ("SLTA/SEDERAJAT", "SLTP/SEDERAJAT", "DIPLOMA IV/STRATA I")),
        "JENIS_PKRJN": _pick(nik, "pekerjaan", ("PETANI/PEKEBUN", "NELAYAN/PERIKANAN", "WIRASWASTA")),
        "GOL_DARAH": "TIDAK TAHU",
        "ALAMAT": f"DUSUN REKAAN {nik[14:]}",
        "NO_RT": int(nik[12:]) % 9 + 1,
        "NO_RW": int(nik[12:]) % 5 + 1,
        "NO_PROP": 35,
        "PROP_NAME": "JAWA TIMUR",
        "NO_KAB": 24,
        "KAB_NAME": "LAMONGAN",
        "NO_KEC": int(nik[4:6]),
        "KEC_NAME": village.kecamatan.upper(),
        "NO_KEL": int(village.kode[-4:]),
        "KEL_NAME": village.nama.upper(),
        "NAMA_LGKP_AYAH": f"{_pick(nik, 'ayah', _MEN)} REKAAN",
        "NAMA_LGKP_IBU": f"{_pick(nik, 'ibu', _WOMEN)} REKAAN",
        "EKTP_STATUS": "SUDAH REKAM",
        "KODE_POS": None,
    }
    person = _get_population().get(nik)
    return made_up if person is None else {**made_up, **_write_elements(person)}


@lru_cache(1)
def _get_population() -> Mapping[str, Mapping[str, Any]]:
    return {person["nik"]: person for person in make_population()}


def _find_village(nik: str) -> Wilayah:
    kecamatan = f"{nik[:2]}.{nik[2:4]}.{nik[4:6]}."
    return _pick(nik, "desa", [place for place in read_wilayah() if place.is_desa and place.kode.startswith(kecamatan)])


def _write_elements(person: Mapping[str, Any]) -> dict[str, Any]:
    """A resident of the contract's form in the registry's elements."""
    address = person["alamat"]
    elements = {
        "NAMA_LGKP": person["nama"],
        "JENIS_KLMIN": person["jenis_kelamin"],
        "AGAMA": person["agama"],
        "STATUS_KAWIN": person["status_perkawinan"],
        "STAT_HBKEL": person["hubungan_keluarga"],
        "PDDK_AKH": person["pendidikan"],
        "JENIS_PKRJN": person["pekerjaan"],
        "GOL_DARAH": person["golongan_darah"],
        "ALAMAT": address["jalan"],
        "KEC_NAME": address["kecamatan"],
        "KEL_NAME": address["desa"],
        "NAMA_LGKP_AYAH": person.get("nama_ayah"),
        "NAMA_LGKP_IBU": person.get("nama_ibu"),
    }
    return {
        **{name: text.upper() for name, text in elements.items() if text},
        "NO_KK": int(person["nomor_kk"]),
        "TGL_LHR": person["tanggal_lahir"],
        "NO_RT": int(address["rt"]),
        "NO_RW": int(address["rw"]),
        "NO_KEC": int(address["kode_wilayah"][6:8]),
        "NO_KEL": int(address["kode_wilayah"][-4:]),
    }


SIMULATOR = Simulator(create_app, FAULTS, SETTINGS)
