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
        ]
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
        "lost-answer": {"tindak-lanjut": Failure.TRANSIENT},
    }
    persons = ("Pelapor Rekaan", "0812-0000", "contoh.example", "352401010190")
