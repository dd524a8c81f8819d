"""A tiny agency with its simulator, and an adapter for it that is right, or wrong in one way."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from bus.kit import (
    OUTAGES,
    AdapterSettings,
    AgencyFault,
    AgencyUnavailable,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Operation,
    Outcome,
    Poll,
    Polled,
    Push,
    PushAnswer,
    PushRequest,
    PushUnreadable,
    Query,
    Question,
    Row,
    Rows,
    SimulatedFaults,
    Simulator,
    Verdict,
    deliver_one_by_one,
    make_http_client,
    make_simulator_app,
    now,
    parse_object,
    require_success,
    send_request,
)
from bus.kit.conformance import AdapterConformance, PushSample

NIK = "3524010101909001"
LOG = logging.getLogger("tiny")


def create_app(faults: SimulatedFaults) -> Any:
    """The agency: takes letters, each as often as it is sent, and has rows in two pages."""
    letters: list[dict[str, Any]] = []
    app = make_simulator_app("Tiny", faults, letters, lambda: {"letters": letters} if letters else {})

    @app.post("/letters")
    async def take(letter: dict[str, Any], request: Request) -> Any:
        if "closed" in faults or request.headers.get("token") != "rahasia-tiny":
            return JSONResponse({"ok": False, "why": "tutup"}, 403)
        letters.append(letter)
        return {"ok": True}

    @app.get("/letters/{reference}")
    async def find(reference: str) -> Any:
        return {"ok": True, "found": any(letter["reference"] == reference for letter in letters)}

    @app.get("/rows/{page}")
    async def show(page: int) -> Any:
        return {"ok": True, "rows": [2 * page, 2 * page + 1] if page < 3 else []}

    return app


SIMULATOR = Simulator(create_app, {**OUTAGES, "closed": "takes no letters"}, {"token": "rahasia-tiny"})


def prove(secret: str, at: str) -> str:
    """The agency's proof of a push at a second since 1970."""
    return hashlib.sha256(f"{secret}{at}".encode()).hexdigest()


def push_news(at: datetime) -> PushRequest:
    """A push of the agency, with its proof."""
    sent = str(int(at.timestamp()))
    body = json.dumps({"kabar": [{"nomor": "1", "nik": NIK}, {"nomor": "2", "nik": NIK}]}).encode()
    return PushRequest("/kabar", "", {}, {"at": sent, "proof": prove("rahasia-tiny", sent)}, at, body)


class TinySettings(AdapterSettings):
    """The agency's token."""

    token: SecretStr


class TinyAdapter(Deliver, Poll, Push, Query):
    """Right, unless `flaw` names what is wrong."""

    def __init__(self, settings: TinySettings, flaw: str) -> None:
        self._settings, self._flaw = settings, flaw
        self._http = make_http_client(settings)
        if flaw == "uses the proxy":
            self._http = httpx.AsyncClient(base_url=settings.base_url)
        if flaw == "waits for ever":
            self._http.timeout = httpx.Timeout(None)
        self._page = 0
        self._busy = asyncio.Lock()
        self._latest = datetime.min.replace(tzinfo=now().tzinfo)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        outcomes = await deliver_one_by_one(events, self._send)
        return outcomes[1:] if self._flaw == "forgets an outcome" else outcomes

    async def _send(self, event: Event) -> None:
        if self._flaw == "logs a person":
            LOG.warning("sending the letter of %s", event.data["nik"])
        if self._flaw == "sends again" or not (await self._ask("GET", f"letters/{event.reference}"))["found"]:
            await self._ask("POST", "letters", {"reference": event.reference})

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        page = int(cursor or 0)
        if self._flaw == "remembers the page":
            page, self._page = self._page, self._page + 1
        try:
            rows = (await self._ask("GET", f"rows/{page}"))["rows"]
        except AgencyFault:
            if self._flaw == "takes a fault for the end":
                return Polled([], None)
            raise
        if self._flaw == "repeats keys":
            rows = [0 for _ in rows]
        found = Rows("/tiny", [Row(str(row), {"row": row}) for row in rows], is_whole=False)
        return Polled([], str(page + 1) if rows else None, more=bool(rows), rows=found)

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        try:
            return await self._ask("GET", "rows/0")
        except AgencyFault as fault:
            if self._flaw == "forgets the wait":
                raise AgencyUnavailable("later") from fault
            raise fault.to_refusal() from fault

    def verify(self, operation: str, request: PushRequest) -> bool:
        sent = request.headers.get("at", "0")
        skew = abs(request.at.timestamp() - int(sent))
        secret = self._settings.token.get_secret_value()
        is_signed = (
            bool(secret) and request.headers.get("proof") == prove(secret, sent)
        ) or self._flaw == "lets anybody in"
        return is_signed and (skew <= 60 or self._flaw == "keeps old proofs")

    async def receive(self, operation: str, request: PushRequest) -> Rows:
        if self._flaw == "logs a push":
            LOG.warning("got %s", request.body)
        try:
            news = json.loads(request.body or b"")
            rows = [Row(one["nomor"], {"nik": one["nik"]}) for one in news["kabar"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if self._flaw == "breaks at nonsense":
                raise
            raise PushUnreadable("The push holds no news.") from (error if self._flaw == "logs a push" else None)
        if self._flaw == "loses keys":
            rows = [Row(None, row.data) for row in rows]
        if self._flaw == "numbers rows":
            self._page += 1
            rows = [Row(f"{row.key}-{self._page}", row.data) for row in rows]
        return Rows("/tiny/kabar", rows, is_whole=False)

    def answer(self, operation: str, verdict: Verdict) -> PushAnswer:
        token = self._settings.token.get_secret_value() if self._flaw == "answers with its secret" else ""
        return PushAnswer(200, {"ok": verdict is Verdict.ACCEPTED, "token": token})

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        token = self._settings.token.get_secret_value()
        request = self._http.build_request(method, path, json=body, headers={"token": token})
        self._look_at_the_clock()
        match self._flaw:
            case "logs the address":
                LOG.info("%s", request.url)
            case "lets errors through":
                return (await self._http.send(request)).raise_for_status().json()
            case "takes silence for success":
                return await self._believe(request)
            case "swallows cancellation":
                return await self._swallow(request)
            case "keeps a lock":
                await self._busy.acquire()
            case "works alone":
                assert not self._busy.locked()
                await self._busy.acquire()
        answer = await send_request(self._http, "Tiny", request)
        if self._flaw in ("keeps a lock", "works alone"):
            self._busy.release()
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Any:
        if self._flaw == "kills events" and not answer.is_success:
            raise AgencyFault(Failure.PERMANENT, "Tiny refuses")
        if self._flaw == "repeats the answer" and not answer.is_success:
            raise AgencyFault(Failure.TRANSIENT, answer.text)
        if self._flaw == "classes all as transient" and not answer.is_success:
            raise AgencyFault(Failure.TRANSIENT, "Tiny refuses")
        require_success("Tiny", answer)
        if self._flaw == "believes HTTP 200" and not answer.content.startswith(b'{"ok"'):
            return {"found": True, "rows": []}
        said = parse_object("Tiny", answer)
        if said.get("ok") is not True:
            raise AgencyFault(Failure.TRANSIENT, "Tiny answered oddly")
        return said

    async def _believe(self, request: httpx.Request) -> Any:
        try:
            return self._read(await send_request(self._http, "Tiny", request))
        except AgencyFault as fault:
            if fault.status is None:
                return {"found": True, "rows": []}
            raise

    async def _swallow(self, request: httpx.Request) -> Any:
        try:
            return self._read(await send_request(self._http, "Tiny", request))
        except asyncio.CancelledError:
            return {"found": True, "rows": []}

    def _look_at_the_clock(self) -> None:
        if self._flaw == "trusts the clock":
            if now() < self._latest:
                raise AgencyFault(Failure.TRANSIENT, "Tiny has to wait until the clock has caught up")
            self._latest = now()


class TinyFactory:
    """Declares the adapter and makes it."""

    name: ClassVar[str] = "tiny"
    participant: ClassVar[str] = "tiny"
    settings: ClassVar[type[AdapterSettings]] = TinySettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("surat", Does.DELIVER, batch=5, least=Classification.PERSONAL, person="/nik"),
        Operation("daftar", Does.POLL, contract="uji.daftar", least=Classification.PUBLIC),
        Operation("tanya", Does.QUERY, least=Classification.PUBLIC),
        Operation("kabar", Does.PUSH, contract="uji.kabar", least=Classification.PERSONAL, person="/nik"),
    )

    def __init__(self, flaw: str) -> None:
        self._flaw = flaw

    def create(self, settings: TinySettings) -> Any:
        adapter = TinyAdapter(settings, self._flaw)
        return _WithoutQuery(adapter) if self._flaw == "lacks a method" else adapter


class _WithoutQuery:
    def __init__(self, adapter: TinyAdapter) -> None:
        self.deliver, self.poll, self.close = adapter.deliver, adapter.poll, adapter.close


def a_case(flaw: str = "", **attributes: Any) -> AdapterConformance:
    """The suite for the tiny adapter with this flaw; `attributes` replace those of the case."""
    own = {
        "factory": TinyFactory(flaw),
        "simulator": SIMULATOR,
        "events": {"surat": [Event(id=n, source="/uji", type="uji.surat", data={"nik": NIK}) for n in ("1", "2")]},
        "questions": {"tanya": {"nomor": 1}},
        "pushes": {"kabar": PushSample(push_news, lasts=timedelta(seconds=61))},
        "faults": {"closed": {"surat": Failure.SINK_DOWN}},
        "longest": 1.5,
    }
    return type("Case", (AdapterConformance,), own | attributes)()
