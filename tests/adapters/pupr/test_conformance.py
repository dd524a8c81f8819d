"""The adapter of Pupr before the kit's conformance suite."""

import pytest

from adapters.pupr.adapter import FACTORY
from adapters.pupr.simulator import SIMULATOR
from bus.kit import Event, Failure
from bus.kit.conformance import AdapterConformance

pytestmark = pytest.mark.process


class TestPupr(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = FACTORY
    simulator = SIMULATOR
    events = {
        "ruas-jalan": [
            Event(
                id=number,
                source="/dpupr",
                type="infrastruktur.ruas-jalan",
                subject=number,
                data={
                    "nomor_ruas": number,
                    "nama_ruas": "Sukorame – Bluluk",
                    "panjang_km": 7.4,
                    "kondisi": "sedang",
                    "tahun_survei": 2026,
                    "geometri": {"type": "LineString", "coordinates": [[112.41, -7.11], [112.42, -7.12]]},
                },
            )
            for number in ("R-001", "R-002")
        ]
    }
    faults = {
        "token": Failure.SINK_DOWN,
        "no-total": {},
        "short": {"jalan-nasional": Failure.TRANSIENT},
        "partial": {"ruas-jalan": Failure.TRANSIENT},
    }
