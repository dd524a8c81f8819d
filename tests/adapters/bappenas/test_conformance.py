"""The adapter of Bappenas before the kit's conformance suite."""

import pytest

from adapters.bappenas.adapter import FACTORY
from adapters.bappenas.simulator import DATASET, SIMULATOR
from bus.kit import Event, Failure
from bus.kit.conformance import AdapterConformance

pytestmark = pytest.mark.process


class TestBappenas(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = FACTORY
    simulator = SIMULATOR
    events = {
        "dataset": [
            Event(
                id="1",
                source="/dinas-kominfo",
                type="satudata.dataset",
                subject="produksi-padi",
                data={
                    "nama": "produksi-padi",
                    "judul": "Produksi padi",
                    "deskripsi": "Produksi padi menurut kecamatan.",
                    "sumber_daya": [{"nama": "2026", "url": "https://data.example/padi.csv", "format": "CSV"}],
                },
            )
        ],
        "tabel": [
            Event(
                id="1",
                source="/dinas-kominfo",
                type="satudata.tabel",
                subject=f"{DATASET}.kecamatan",
                data={
                    "nama": f"{DATASET}.kecamatan",
                    "kolom": [{"nama": "kode", "jenis": "teks"}, {"nama": "panjang_km", "jenis": "angka"}],
                    "kunci": "kode",
                    "baris": [["35.24.01", 21.5], ["35.24.02", 18.25]],
                },
            )
        ],
        "kegiatan": [
            Event(
                id="1",
                source="/bappeda",
                type="perencanaan.kegiatan",
                subject="1.03.10.2.01.0001",
                data={
                    "kode_sub_kegiatan": "1.03.10.2.01.0001",
                    "nama_sub_kegiatan": "Rehabilitasi jalan",
                    "tahun_anggaran": 2026,
                    "pagu": 296187500,
                },
            )
        ],
    }
    faults = {
        "apikey": dict.fromkeys(("kegiatan", "dak", "kegiatan-krisna"), Failure.SINK_DOWN),
        "empty": {},
        "object": {},
        "login": dict.fromkeys(("dataset", "tabel"), Failure.SINK_DOWN),
        "validation": dict.fromkeys(("dataset", "tabel"), Failure.PERMANENT),
        "soft-errors": {},
    }
