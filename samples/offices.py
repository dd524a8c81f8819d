"""The sample apps: what each office publishes, and how it gets the events of its grants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Mode(Enum):
    """How an app puts events into HTTP (CloudEvents HTTP binding 1.0.2, section 3)."""

    STRUCTURED = "structured"
    BINARY = "binary"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Output:
    """What an office publishes under one contract.

    Attributes:
        contract: the contract's name.
        mode: how the app sends the events.
        count: the number of events at the beginning; None: one for each resident, and one deletion.
    """

    contract: str
    mode: Mode
    count: int | None = 27


@dataclass(frozen=True, slots=True)
class Office:
    """One sample app.

    Attributes:
        title: the office's full name.
        outputs: what the office publishes.
        subscribes: contracts whose events arrive at the office's webhook.
        follows: contracts whose feeds the office reads.
        keeps: a record contract whose records the office reads as a whole; None: none.
        answers: whether the office answers the complaints that it gets.
    """

    title: str
    outputs: tuple[Output, ...]
    subscribes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    keeps: str | None = None
    answers: bool = False

    @property
    def scopes(self) -> list[str]:
        """The scopes of the office's OAuth client."""
        return ["events.publish", "events.read", "queries.call", "subscriptions.manage"]


CATALOGUE = Output("layanan.katalog", Mode.STRUCTURED, count=3)
USES = Output("kependudukan.data-balikan", Mode.BATCH)
"""An office has to report each use of a NIK. The app looks each NIK up, and then sends the reports."""

OFFICES: Mapping[str, Office] = {
    "dukcapil-lamongan": Office(
        "Dinas Kependudukan dan Pencatatan Sipil",
        (
            Output("kependudukan.penduduk", Mode.BATCH, count=None),
            Output("kependudukan.peristiwa", Mode.STRUCTURED, count=54),
            CATALOGUE,
        ),
        subscribes=("pengaduan.laporan",),
        answers=True,
    ),
    "dpmptsp": Office(
        "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu",
        (Output("perizinan.izin", Mode.BINARY, count=54), USES, CATALOGUE),
    ),
    "bapenda": Office(
        "Badan Pendapatan Daerah",
        (CATALOGUE,),
        subscribes=("kependudukan.penduduk", "kependudukan.peristiwa", "perizinan.izin"),
    ),
    "dpupr": Office(
        "Dinas Pekerjaan Umum dan Penataan Ruang",
        (Output("infrastruktur.ruas-jalan", Mode.BINARY), CATALOGUE),
        subscribes=("perizinan.izin", "pengaduan.laporan"),
        answers=True,
    ),
    "bappeda": Office(
        "Badan Perencanaan Pembangunan Daerah",
        (Output("perencanaan.kegiatan", Mode.STRUCTURED), CATALOGUE),
        subscribes=("infrastruktur.ruas-jalan",),
        follows=("satudata.indikator", "perencanaan.dak"),
    ),
    "dinkes": Office(
        "Dinas Kesehatan",
        (USES, CATALOGUE),
        subscribes=("kependudukan.penduduk", "kependudukan.peristiwa", "pengaduan.laporan"),
        answers=True,
    ),
    "desa-sembung": Office(
        "Pemerintah Desa Sembung",
        (CATALOGUE,),
        subscribes=("kependudukan.penduduk", "kependudukan.peristiwa"),
        keeps="kependudukan.penduduk",
    ),
    "dinas-kominfo": Office(
        "Dinas Komunikasi dan Informatika",
        (Output("satudata.dataset", Mode.BINARY), CATALOGUE),
        subscribes=("pengaduan.laporan", "pengaduan.tindak-lanjut"),
        follows=("layanan.katalog",),
    ),
}

AGENCIES: Mapping[str, str] = {
    "kominfo": "Kementerian Komunikasi dan Informatika",
    "kemendagri": "Kementerian Dalam Negeri",
    "pupr": "Kementerian Pekerjaan Umum dan Perumahan Rakyat",
    "bappenas": "Kementerian Perencanaan Pembangunan Nasional",
    "ksp": "Kantor Staf Presiden",
}
"""The agencies whose simulators run."""

DECLARED: Final = ("oss",)
"""Agencies whose adapters are documents that ship. No sample traffic goes to them; their simulators answer who tries them."""
