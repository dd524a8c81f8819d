"""What OSS-RBA is sent, and what it pushes, with an invented account."""

import hashlib
import json
from datetime import datetime

from bus import shipped
from bus.clock import WIB
from bus.declared import load_document
from bus.kit import Event, PushRequest

DOCUMENT = load_document(shipped.ADAPTERS / "oss.yaml")
USER, PASSWORD, NIB = "lamongan-rekaan", "rahasia-rekaan", "9120200012345"
OWNER_NIK = "3524015203889002"
IZIN = Event(
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


def send_nib(at: datetime) -> PushRequest:
    """A push as OSS-RBA signs it: SHA-1 of account, password, NIB and day."""
    day = at.astimezone(WIB).strftime("%Y%m%d")
    token = hashlib.sha1(f"{USER}{PASSWORD}{NIB}{day}".encode(), usedforsecurity=False).hexdigest()
    body = {"dataNIB": {"nib": NIB, "nama_perseroan": "Warung Soto Rekaan ", "perseroan_daerah_id": "3524142003"}}
    return PushRequest("/v1/agencies/oss/push/nib", "", {}, {"token": token}, at, json.dumps(body).encode())
