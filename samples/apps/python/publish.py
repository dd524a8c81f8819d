"""Publishes a public service, and says what the bus made of it."""

import os
import sys

from bus_lamongan_client import Bus, BusError

SERVICE = {
    "kode_layanan": "dinas-kominfo.konsultasi",
    "nama": "Konsultasi data",
    "opd": "dinas-kominfo",
    "deskripsi": "Bantuan untuk memakai data daerah.",
    "sasaran": "umum",
    "biaya": 0,
    "kanal": [{"jenis": "loket"}],
    "status": "aktif",
}

try:
    access = os.environ["BUS_URL"], os.environ["BUS_CLIENT_ID"], os.environ["BUS_CLIENT_SECRET"]
except KeyError as missing:
    sys.exit(f"Set {missing} first.")
bus = Bus(*access, source="/dinas-kominfo/portal")
try:
    receipt = bus.publish({"type": "layanan.katalog", "subject": SERVICE["kode_layanan"], "data": SERVICE})
except BusError as error:
    sys.exit(f"not published: {error}")
print(f"published: position {receipt.position}")
