"""The adapter of Kemendagri before the kit's conformance suite."""

import pytest

from adapters.kemendagri.adapter import FACTORY
from adapters.kemendagri.simulator import SIMULATOR, make_resident
from bus.kit import Event, Failure
from bus.kit.conformance import AdapterConformance

NIK = "3524010101909001"
NAME = make_resident(NIK)["NAMA_LGKP"]
QUERIES = ("cari-nik", "verifikasi-nik")

pytestmark = pytest.mark.process


class TestKemendagri(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = FACTORY
    simulator = SIMULATOR
    events = {
        "data-balikan": [
            Event(
                id=customer,
                source="/simpus",
                type="kependudukan.data-balikan",
                data={
                    "nik": NIK,
                    "lembaga": "dinkes",
                    "id_pelanggan": customer,
                    "waktu_akses": "2026-01-31T09:30:00+07:00",
                },
            )
            for customer in ("RM-1", "RM-2")
        ]
    }
    questions = {"cari-nik": {"nik": NIK}, "verifikasi-nik": {"nik": NIK, "nama": NAME}}
    settings = {"cache_seconds": 0.0}
    faults = {
        "login": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "ip": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "quota": dict.fromkeys(QUERIES, Failure.TRANSIENT),
        "outside-hours": dict.fromkeys(QUERIES, Failure.TRANSIENT),
        "incomplete": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "unprocessable": {},
        "no-account": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "unknown-ip": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "institution-inactive": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "inactive": dict.fromkeys(QUERIES, Failure.SINK_DOWN),
        "denied": dict.fromkeys(QUERIES, Failure.TRANSIENT),
        "old": {},
        "balikan-token": {"data-balikan": Failure.SINK_DOWN},
    }
    persons = (NIK, NAME)
