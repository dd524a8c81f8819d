"""A declared adapter before the kit's conformance suite: OSS-RBA, which also pushes."""

import hashlib
import json
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from bus import shipped
from bus.clock import WIB
from bus.declared import DeclaredFactory, Surroundings, load_document, make_simulator
from bus.kit import Event, Failure, PushRequest
from bus.kit.conformance import AdapterConformance, PushSample

pytestmark = pytest.mark.process

DOCUMENT = load_document(shipped.ADAPTERS / "oss.yaml")
USER, PASSWORD, NIB = "lamongan-rekaan", "rahasia-rekaan", "9120200012345"
OWNER_NIK = "3524015203889002"


def send_nib(at: datetime) -> PushRequest:
    """A push as OSS-RBA signs it: SHA-1 of account, password, NIB and day."""
    day = at.astimezone(WIB).strftime("%Y%m%d")
    token = hashlib.sha1(f"{USER}{PASSWORD}{NIB}{day}".encode(), usedforsecurity=False).hexdigest()
    body = {"dataNIB": {"nib": NIB, "nama_perseroan": "Warung Soto Rekaan ", "perseroan_daerah_id": "3524142003"}}
    return PushRequest("/v1/agencies/oss/push/nib", "", {}, {"token": token}, at, json.dumps(body).encode())


class TestOss(AdapterConformance):
    """See `AdapterCase` for the attributes."""

    factory = DeclaredFactory(DOCUMENT, Surroundings(networks=[ip_network("127.0.0.0/8")]))
    simulator = make_simulator(DOCUMENT)
    settings = {"push_user": USER, "push_password": PASSWORD}
    events = {
        "status-izin": [
            Event(
                id="1",
                source="/dpmptsp",
                type="perizinan.izin",
                subject="IZN-2026-000123",
                data={
                    "nomor_izin": "IZN-2026-000123",
                    "nib": NIB,
                    "jenis": "izin usaha",
                    "status": "terbit",
                    "tanggal_terbit": "2026-02-10",
                    "pemilik": {"jenis": "perorangan", "nama": "Siti Rekaan", "nik": OWNER_NIK},
                    "lokasi": {"alamat": {"kode_wilayah": "35.24.14.2003"}},
                },
            )
        ]
    }
    questions = {"cari-nib": {"nib": NIB}}
    # The day that OSS signs ends at midnight; clocks may differ by five minutes.
    pushes = {"nib": PushSample(send_nib, lasts=timedelta(days=1, minutes=5))}
    faults = {"login": Failure.SINK_DOWN}
    persons = ("Siti Rekaan", OWNER_NIK)
