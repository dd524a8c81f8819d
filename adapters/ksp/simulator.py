"""A simulator of SP4N-LAPOR! behind SPLP: made-up complaints about Lamongan, some anonymous or secret, and follow-ups.
LAPOR!'s older interface, which takes complaints in XML, is there as well.

Like the real service it sends the reporter's name and telephone, and texts with the reporter's signature. The adapter has
to hold these back.

It accepts follow-ups for any complaint number of `9` and six digits, since LAPOR! knows more complaints than it lists.
"""

import re
from collections import defaultdict
from html import unescape
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from adapters.ksp.client import TOKEN_HEADER
from adapters.ksp.stream import PATH
from bus.kit import GATEWAY_FAULTS, GATEWAY_SETTINGS, SimulatedFaults, Simulator, make_gateway_app

TOKEN = "00000000-3524-4000-8000-000000003524"  # noqa: S105  made up
STREAM_TOKEN = "simulasi-token-stream"  # noqa: S105  made up
PAGE = 5
COMPLAINTS = 12

_LIST = f"/t/{GATEWAY_SETTINGS['tenant']}/lapor/1.0/complaints"
_NUMBER = re.compile(r"9\d{6}")
_TEXT = re.compile(r"<isi>(.*?)</isi>", re.DOTALL)
_TOPICS = (
    ("Jalan berlubang", "Jalan di depan pasar berlubang", "Infrastruktur", "Dinas Pekerjaan Umum dan Penataan Ruang"),
    ("KTP belum jadi", "KTP-el sudah dua bulan belum jadi", "Kependudukan", "Dinas Kependudukan dan Pencatatan Sipil"),
    ("Antrean panjang", "Antrean puskesmas sejak subuh", "Kesehatan", "Dinas Kesehatan"),
    ("Bantuan tidak tepat", "Bantuan diterima warga yang mampu", "Sosial", "Dinas Sosial"),
    ("Lampu jalan mati", "Lampu jalan mati sejak pekan lalu", "Infrastruktur", None),
)
_STATES = ("Belum Terverifikasi", "Terverifikasi", "Dalam Proses", "Selesai")


def create_app(faults: SimulatedFaults) -> FastAPI:
    """LAPOR! as an ASGI application, with these faults on."""
    received: list[dict[str, Any]] = []
    followups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    added: list[dict[str, Any]] = []
    app = make_gateway_app(
        "KSP (SP4N-LAPOR!)",
        faults,
        received,
        TOKEN_HEADER,
        lambda: {"followups": {k: v for k, v in followups.items() if v}, "complaints": added},
        beside=(f"/{PATH}",),
    )

    @app.get(_LIST)
    async def list_complaints(page: int = 1, token: Annotated[str, Header()] = "") -> Response:
        """One page of complaints; a page after the last one is empty."""
        return _refuse(token, faults) or _make_page(
            [*(make_complaint(number) for number in range(1, COMPLAINTS + 1)), *added], page
        )

    @app.get(_LIST + "/{number}/followups")
    async def list_followups(number: str, page: int = 1, token: Annotated[str, Header()] = "") -> Response:
        """One page of the follow-ups to a complaint."""
        return _refuse(token, faults) or _refuse_unknown(number) or _make_page(followups[number], page)

    @app.post(_LIST + "/{number}/followups")
    async def add(number: str, body: dict[str, Any], token: Annotated[str, Header()] = "") -> Response:
        """Add a follow-up to a complaint, each time that it is sent."""
        if refusal := _refuse(token, faults) or _refuse_unknown(number):
            return refusal
        if not body.get("content"):
            return JSONResponse({"message": "content wajib diisi"}, 422)
        followups[number].append({"id": len(followups[number]) + 1, **body})
        received.append({"operation": "followup", "tracking_id": number, **body})
        if "lost-answer" in faults:
            return JSONResponse({"message": "Gateway Timeout"}, 504)
        return JSONResponse({"status": "success"}, 201)

    _serve_stream(app, faults, received, added)
    return app


def _serve_stream(app: FastAPI, faults: SimulatedFaults, received: list[dict[str, Any]], added: list[Any]) -> None:
    @app.post(f"/{PATH}")
    async def add_stream(request: Request) -> Response:
        """LAPOR!'s older interface: add a complaint in XML, each time that it is sent."""
        text = (await request.body()).decode()
        if f'token="{STREAM_TOKEN}"' not in text or "token" in faults:
            return _make_xml("<error>Token tidak valid</error>")
        if "html" in faults:
            return HTMLResponse("<html><body>Terima kasih</body></html>")
        number = 9500000 + len(added)
        content = _TEXT.search(text)
        added.append(
            {**make_complaint(1), "tracking_id": number, "content": unescape(content.group(1) if content else "")}
        )
        received.append({"operation": "aduan", "tracking_id": number, "xml": text.replace(STREAM_TOKEN, "…")})
        if "lost-answer" in faults:
            return HTMLResponse("Gateway Timeout", 504)
        return _make_xml(f"<status>1</status><trackingid>{number}</trackingid>")


def _make_xml(content: str) -> Response:
    return Response(f'<?xml version="1.0"?><lapor>{content}</lapor>', media_type="text/xml")


def make_complaint(number: int) -> dict[str, Any]:
    """The complaint with this number: flags are strings or numbers, times lack a zone, texts are padded."""
    title, content, category, institution = _TOPICS[number % len(_TOPICS)]
    name, phone = f"Pelapor Rekaan {number:02d}", f"0812-0000-{number:04d}"
    day = f"2026-03-{number:02d} 08:12:00"
    return {
        "tracking_id": 9000100 + number,
        "title": f"{title} ",
        "content": f"{content}. Terima kasih, {name.upper()}, hubungi {phone.replace('-', '')}.",
        "category": {"id": 10 + number % 3, "name": category},
        "status": _STATES[number % len(_STATES)],
        "is_anonymous": str(number % 2),
        "is_secret": 1 if number % 3 == 0 else 0,
        "created_at": day,
        "updated_at": day,
        "reporter": {
            "name": name,
            "phone": phone,
            "email": f"pelapor{number}@contoh.example",
            "nik": 3524010101908000 + number,
        },
        "institution": institution and {"id": number, "name": f"{institution} Kabupaten Lamongan"},
        "region_code": f"3524{number:02d}",
        "latitude": f"-7.1{number:02d}",
        "longitude": "112.41",
        "attachments": [{"url": f"https://lapor.example/berkas/{number}.jpg"}] if number % 4 == 0 else None,
    }


def _make_page(items: list[dict[str, Any]], page: int) -> Response:
    return JSONResponse({"status": "success", "data": items[(page - 1) * PAGE : page * PAGE]})


def _refuse(token: str, faults: SimulatedFaults) -> Response | None:
    if token == TOKEN and "token" not in faults:
        return None
    return JSONResponse({"status": "error", "message": "Token tidak dikenal"}, 403)


def _refuse_unknown(number: str) -> Response | None:
    return None if _NUMBER.fullmatch(number) else JSONResponse({"message": "Laporan tidak ditemukan"}, 404)


SIMULATOR = Simulator(
    create_app,
    {
        **GATEWAY_FAULTS,
        "token": "LAPOR! refuses the regency's own tokens, with 403 or with HTTP 200 in XML",
        "lost-answer": "LAPOR! stores a follow-up or a complaint, but answers 504",
        "html": "the older interface answers with a page in HTML where XML was due",
    },
    {**GATEWAY_SETTINGS, "token": TOKEN, "stream_token": STREAM_TOKEN},
)
