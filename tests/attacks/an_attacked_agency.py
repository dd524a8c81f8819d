"""The five agencies' adapters before an agency that an attacker plays: it gives every request the same answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.bappenas.adapter import BappenasAdapter
from adapters.bappenas.ckan import Ckan
from adapters.bappenas.krisna import Krisna
from adapters.kemendagri.adapter import CARI_NIK, DATA_BALIKAN, VERIFIKASI_NIK, KemendagriAdapter
from adapters.kemendagri.client import KemendagriSettings
from adapters.kemendagri.simulator import SIMULATOR as KEMENDAGRI
from adapters.kominfo.adapter import KominfoAdapter
from adapters.kominfo.client import KominfoSettings
from adapters.kominfo.simulator import SIMULATOR as KOMINFO
from adapters.ksp.adapter import KspAdapter
from adapters.ksp.client import KspSettings
from adapters.ksp.simulator import SIMULATOR as KSP
from adapters.ksp.stream import Stream
from adapters.pupr.adapter import PuprAdapter
from adapters.pupr.client import FeatureLayer
from adapters.pupr.sigi import Sigi, SigiAccount
from bus.kit import AgencyFault, Event, Failure, Outcome, Polled, Question, Refused

BASE = "https://badan.example"
NIK = "3524010101909001"

Answers = Callable[[httpx.Request], httpx.Response]


@dataclass
class Attacker:
    """Plays an agency's API.

    Attributes:
        answers: gives the answer to each request that is not for a token.
        token: what the gateway answers to a request for a token.
        asked: how many requests it got that were not for a token.
    """

    answers: Answers
    token: bytes = b'{"access_token": "t", "expires_in": 3600}'
    asked: int = 0

    def http(self) -> httpx.AsyncClient:
        """A client whose every request reaches the attacker."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url=BASE)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return httpx.Response(200, content=self.token)
        self.asked += 1
        return self.answers(request)


def says(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Attacker:
    """An attacker who answers every request so."""
    return Attacker(lambda request: httpx.Response(status, headers=headers, content=body))


def ksp(attacker: Attacker) -> KspAdapter:
    """The adapter of KSP before the attacker."""
    stream = Stream(attacker.http(), SecretStr("rahasia"))
    return KspAdapter(KspSettings(base_url=BASE, **_of(KSP.settings)), attacker.http(), stream)


def kominfo(attacker: Attacker) -> KominfoAdapter:
    """The adapter of Kominfo before the attacker."""
    return KominfoAdapter(KominfoSettings(base_url=BASE, **_of(KOMINFO.settings)), attacker.http())


def kemendagri(attacker: Attacker) -> KemendagriAdapter:
    """The adapter of Kemendagri before the attacker."""
    return KemendagriAdapter(KemendagriSettings(base_url=BASE, **_of(KEMENDAGRI.settings)), attacker.http())


def bappenas(attacker: Attacker) -> BappenasAdapter:
    """The adapter of Bappenas before the attacker."""
    secret = SecretStr("rahasia")
    krisna, ckan = Krisna(attacker.http(), secret, "3524"), Ckan(attacker.http(), secret, "lamongan")
    return BappenasAdapter(krisna, ckan, organization="lamongan", years=[2026])


def pupr(attacker: Attacker) -> PuprAdapter:
    """The adapter of PUPR before the attacker."""
    secret = SecretStr("rahasia")
    sigi = Sigi(attacker.http(), SigiAccount("uji@contoh.example", secret))
    return PuprAdapter(FeatureLayer(attacker.http(), "ruas/0", secret), sigi)


def _of(settings: Mapping[str, str]) -> dict[str, Any]:
    return dict(settings)


def a_delivered_event(data: Any) -> Event:
    """An event for an agency."""
    return Event(id="1", source="/uji", type="uji", subject="R-1", data=data)


FOLLOWUP = {
    "nomor_laporan": "9000101",
    "instansi": "dpupr",
    "isi": "Sudah.",
    "status": "selesai",
    "waktu": "2026-03-05T15:40:00+07:00",
}
COMPLAINT = {"nomor_aduan": "L-1", "isi": "Lampu mati.", "anonim": True, "rahasia": False}
SERVICE = {"kode_layanan": "L-1", "nama": "Layanan", "kanal": [], "status": "aktif"}
USAGE = {"lembaga": "dinkes", "nik": NIK, "id_pelanggan": "1"}
TABLE = {"nama": "padi.panen", "kolom": [{"nama": "kode", "jenis": "teks"}], "kunci": "kode", "baris": [["1"]]}
ACTIVITY = {"kode_sub_kegiatan": "1", "tahun_anggaran": 2026}

Act = Callable[[Attacker], Awaitable[Any]]

ACTS: Mapping[str, Act] = {
    "ksp laporan": lambda attacker: ksp(attacker).poll("laporan", None),
    "ksp tindak-lanjut": lambda attacker: ksp(attacker).deliver("tindak-lanjut", [a_delivered_event(FOLLOWUP)]),
    "ksp aduan": lambda attacker: ksp(attacker).deliver("aduan", [a_delivered_event(COMPLAINT)]),
    "kominfo indikator": lambda attacker: kominfo(attacker).poll("indikator", None),
    "kominfo katalog": lambda attacker: kominfo(attacker).deliver("katalog", [a_delivered_event(SERVICE)]),
    "bappenas dak": lambda attacker: bappenas(attacker).poll("dak", None),
    "bappenas kegiatan": lambda attacker: bappenas(attacker).deliver("kegiatan", [a_delivered_event(ACTIVITY)]),
    "bappenas kegiatan-krisna": lambda attacker: bappenas(attacker).poll("kegiatan-krisna", None),
    "bappenas dataset": lambda attacker: bappenas(attacker).deliver("dataset", [a_delivered_event({"nama": "padi"})]),
    "bappenas tabel": lambda attacker: bappenas(attacker).deliver("tabel", [a_delivered_event(TABLE)]),
    "pupr ruas-jalan": lambda attacker: pupr(attacker).deliver(
        "ruas-jalan", [a_delivered_event({"nomor_ruas": "R-1"})]
    ),
    "pupr jalan-nasional": lambda attacker: pupr(attacker).poll("jalan-nasional", None),
    "kemendagri cari-nik": lambda attacker: kemendagri(attacker).query(CARI_NIK, Question("uji", {"nik": NIK}, "uji")),
    "kemendagri verifikasi-nik": lambda attacker: kemendagri(attacker).query(
        VERIFIKASI_NIK, Question("uji", {"nik": NIK}, "uji")
    ),
    "kemendagri data-balikan": lambda attacker: kemendagri(attacker).deliver(DATA_BALIKAN, [a_delivered_event(USAGE)]),
}
"""Everything that an adapter asks an agency for."""


async def outcome_of(act: Act, attacker: Attacker) -> Failure | Refused | None:
    """What an adapter makes of the attacker's answers: the failure, or the refusal of a query; None: it took them.

    Any other exception is a defect of the adapter.
    """
    try:
        done = await act(attacker)
    except AgencyFault as fault:
        return fault.failure
    except Refused as refusal:
        return refusal
    if isinstance(done, list) and done and isinstance(done[0], Outcome):
        return done[0].failure
    if isinstance(done, Polled) and done.fault is not None:
        return done.fault.failure
    return None
