"""The adapter of Ksp before the kit's conformance suite."""

import pytest

from adapters.ksp.adapter import FACTORY
from adapters.ksp.simulator import SIMULATOR
from bus.kit import Event, Failure
from bus.kit.conformance import AdapterConformance

pytestmark = pytest.mark.process


class TestKsp(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = FACTORY
    simulator = SIMULATOR
    events = {
        "aduan": [
            Event(
                id="1",
                source="/dinas-kominfo/loket",
                type="pengaduan.aduan",
                data={
                    "nomor_aduan": "LKT-17",
                    "isi": "Lampu <jalan> & taman mati.",
                    "anonim": False,
                    "rahasia": True,
                    "pelapor": {"nama": "Pelapor Rekaan", "telepon": "0812-0000-0017", "nik": "3524010101909001"},
                },
            )
        ],
        "tindak-lanjut": [
            Event(
                id="1",
                source="/dpupr",
                type="pengaduan.tindak-lanjut",
                data={
                    "nomor_laporan": "9000101",
                    "instansi": "dpupr",
                    "isi": "Lubang sudah ditambal.",
                    "status": "selesai",
                    "waktu": "2026-03-05T15:40:00+07:00",
                },
            )
        ],
    }
    faults = {
        "login": Failure.SINK_DOWN,
        "expired-token": {},
        "not-subscribed": Failure.SINK_DOWN,
        "throttled": Failure.TRANSIENT,
        "quota-exceeded": Failure.TRANSIENT,
        "suspended": Failure.SINK_DOWN,
        "backend-down": Failure.TRANSIENT,
        "backend-slow": Failure.TRANSIENT,
        "token": Failure.SINK_DOWN,
        "lost-answer": dict.fromkeys(("aduan", "tindak-lanjut"), Failure.TRANSIENT),
        "html": {"aduan": Failure.TRANSIENT},
    }
    persons = ("Pelapor Rekaan", "0812-0000", "contoh.example", "352401010190")
