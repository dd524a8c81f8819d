"""A simulator of Kominfo's APIs behind SPLP: a catalogue of services, empty at first, and made-up indicators.

Each service in the catalogue corrects one value of the list, so that a demo sees changes.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from adapters.kominfo.client import KominfoSettings
from bus.kit import GATEWAY_FAULTS, GATEWAY_SETTINGS, SimulatedFaults, Simulator, make_gateway_app

_TENANT = f"/t/{GATEWAY_SETTINGS['tenant']}"
_CATALOGUE = f"{_TENANT}/{KominfoSettings.model_fields['katalog'].default}/layanan"
_INDICATORS = f"{_TENANT}/{KominfoSettings.model_fields['indikator'].default}/indikator"
_REQUIRED = ("kode_pemda", "kode_layanan", "nama_layanan", "instansi", "status")
_ROWS = (
    ("1.02.01 Angka harapan hidup", "Dinas Kesehatan", "Tahun", "Umur harapan hidup saat lahir", "72,9 "),
    ("1.01.03 Angka partisipasi sekolah", "Dinas Pendidikan", "Persen", "Penduduk usia 13 sampai 15", "98.1"),
    ("1.03.02 Jalan kabupaten mantap", "Dinas Pekerjaan Umum dan Penataan Ruang", "Persen", "Panjang jalan", "81,4"),
    ("2.09.01 Produksi padi", "Dinas Ketahanan Pangan dan Pertanian", "Ton", "Gabah kering giling", "1100250"),
    ("3.25.01 Produksi perikanan", "Dinas Perikanan", "Ton", "Tangkap dan budidaya", "-"),
)


def create_app(faults: SimulatedFaults) -> FastAPI:
    """The APIs as an ASGI application, with these faults on."""
    received: list[dict[str, Any]] = []
    services: dict[str, dict[str, Any]] = {}
    app = make_gateway_app("Kominfo", faults, received, "authorization", lambda: {"layanan": services})

    @app.post(_CATALOGUE)
    async def put(entry: dict[str, Any]) -> dict[str, Any]:
        """Put a service into the catalogue, in place of the one of its code."""
        missing = [name for name in _REQUIRED if not entry.get(name)]
        if missing or "refused" in faults:
            return {"api_status": 0, "api_message": f"Data tidak lengkap: {', '.join(missing) or 'status'}"}
        services[entry["kode_layanan"]] = entry
        received.append({"operation": "layanan", **entry})
        return {"api_status": 1, "api_message": "success"}

    @app.delete(_CATALOGUE + "/{code}")
    async def delete(code: str) -> Response:
        """Remove a service from the catalogue."""
        if services.pop(code, None) is None:
            return JSONResponse({"api_status": 0, "api_message": "Data tidak ditemukan"}, 404)
        received.append({"operation": "hapus", "kode_layanan": code})
        return JSONResponse({"api_status": 1, "api_message": "success"})

    @app.get(_INDICATORS)
    async def list_indicators() -> dict[str, Any]:
        """All indicators. `api_status` says whether it went well, and not the HTTP status."""
        if "list-failed" in faults:
            return {"api_status": 0, "api_message": "Terjadi kesalahan", "data": []}
        return {"api_status": 1, "api_message": "success", "data": make_rows(len(services))}

    return app


def make_rows(corrections: int) -> list[dict[str, Any]]:
    """The list after a number of corrections: values are strings, some padded; ids are numbers."""
    listed = [
        {
            "id": number,
            "kode_indikator_nama_indikator": name,
            "opds_nama_opd": office,
            "satuan": unit,
            "tahun": "2024",
            "variabel": variable,
            "nilai": value,
        }
        for number, (name, office, unit, variable, value) in enumerate(_ROWS, start=1)
    ]
    listed[3]["nilai"] = str(1100250 + corrections)
    return listed


SIMULATOR = Simulator(
    create_app,
    {
        **GATEWAY_FAULTS,
        "refused": "the catalogue refuses each service at HTTP 200",
        "list-failed": "the list API fails at HTTP 200 with api_status 0",
    },
    GATEWAY_SETTINGS,
)
