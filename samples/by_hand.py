"""Commands for a shell: get a token, send an event, read it in a feed, see it at the agency."""

import json
import shlex
from collections.abc import Iterator
from typing import Final

from samples.stage import Stage

OFFICE: Final = "dinas-kominfo"
CONTRACT: Final = "pengaduan.tindak-lanjut"
"""The office may both publish and read this contract, so that one token is enough."""

_EVENT: Final = {
    "specversion": "1.0",
    "id": "coba-1",
    "source": "/coba",
    "type": CONTRACT,
    "data": {
        "nomor_laporan": "9000104",
        "instansi": OFFICE,
        "isi": "Lampu jalan diperiksa besok.",
        "status": "diproses",
        "waktu": "2026-06-30T09:00:00+07:00",
    },
}


def write_commands(stage: Stage) -> Iterator[str]:
    """One command in each text."""
    client = stage.clients[OFFICE]
    yield (
        f"TOKEN=$(curl -s -u {client.client_id}:{client.client_secret} -d grant_type=client_credentials"
        f" {stage.bus}/oauth/token | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')"
    )
    yield (
        f'curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/cloudevents+json"'
        f" {stage.bus}/v1/events -d {shlex.quote(json.dumps(_EVENT))}"
    )
    yield f'curl -s -H "Authorization: Bearer $TOKEN" "{stage.bus}/v1/feeds/{CONTRACT}?limit=3"'
    yield f'curl -s -H "Authorization: Bearer $TOKEN" "{stage.bus}/v1/records/layanan.katalog?limit=3"'
    yield f"curl -s {stage.simulators['ksp']}/_simulator/received"
