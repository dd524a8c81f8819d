"""The adapter of Kominfo before the kit's conformance suite."""

import pytest

from adapters.kominfo.adapter import FACTORY
from adapters.kominfo.simulator import SIMULATOR
from bus.kit import GATEWAY_APIKEY, Event, Failure
from bus.kit.conformance import AdapterConformance

pytestmark = pytest.mark.process


class TestKominfo(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = FACTORY
    simulator = SIMULATOR
    events = {
        "katalog": [
            Event(
                id="1",
                source="/dinkes",
                type="layanan.katalog",
                subject="L-1",
                data={"kode_layanan": "L-1", "nama": "Rujukan", "opd": "dinkes", "kanal": [], "status": "aktif"},
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
        "refused": {"katalog": Failure.PERMANENT},
        "list-failed": {"indikator": Failure.TRANSIENT},
    }


class TestKominfoWithKeys(TestKominfo):
    """Both APIs take a key each in place of the application's token, so that no fault of tokens concerns them."""

    settings = {"katalog_apikey": GATEWAY_APIKEY, "indikator_apikey": GATEWAY_APIKEY}
    faults = {**TestKominfo.faults, "login": {}}
