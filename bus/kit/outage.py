"""Outages that every simulator can have: the agency is slow, or answers wrongly, partly or not at all."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import httpx
from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus.kit.simulated_fault import SimulatedFault, SimulatedFaults

OUTAGES: Mapping[str, str] = {
    "down": "answers HTTP 503, and asks to wait `seconds` (30)",
    "error": "answers HTTP 500 with a text",
    "slow": "takes `seconds` (30) to answer, longer than the bus waits",
    "latency": "takes `seconds` (2) to answer",
    "quota": "answers HTTP 429, and asks to wait `seconds` (30)",
    "expired-token": "answers HTTP 401",
    "garbage": "answers HTTP 200 with a page in HTML",
    "huge": "answers HTTP 200 with 10 MB of JSON",
    "cut": "does what it is asked, and answers with half of the JSON",
    "drop": "closes the connection, and does nothing",
    "drop-answer": "does what it is asked, and closes the connection without an answer",
    "drop-midway": "does what it is asked, and closes the connection in the middle of the answer",
}
"""The faults of every simulator. A simulator's own fault of the same name takes the place of one of these."""

_SECONDS: Final = {"slow": 30.0, "latency": 2.0, "down": 30.0, "quota": 30.0}
_HUGE: Final = 10 * 1024 * 1024


async def answer_with_outages(
    faults: SimulatedFaults, app: ASGIApp, scope: Scope, receive: Receive, send: Send, wire: Send
) -> None:
    """Answer a request as `app` does, or as the outage that meets the request has it.

    Args:
        send: takes the answer.
        wire: the server's own `send`, which has the connection.
    """

    def find(name: str) -> SimulatedFault | None:
        return faults.find(name) if faults.known.get(name) == OUTAGES[name] else None

    for name in ("latency", "slow"):
        if fault := find(name):
            await asyncio.sleep(_read_seconds(fault))
    if find("drop"):
        await _drop_connection(receive, wire)
    elif response := _make_response(find):
        await response(scope, receive, send)
    elif find("drop-answer"):
        await _collect_answer(app, scope, receive)
        await _drop_connection(receive, wire)
    elif find("drop-midway"):
        start, body = await _collect_answer(app, scope, receive)
        await _send_answer(send, start, body[: len(body) // 2], more=True)
        await _drop_connection(receive, wire)
    elif find("cut"):
        start, body = await _collect_answer(app, scope, receive)
        half = body[: len(body) // 2]
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        length = (b"content-length", str(len(half)).encode())
        await _send_answer(send, {**start, "headers": [*headers, length]}, half, more=False)
    else:
        await app(scope, receive, send)


def _read_seconds(fault: SimulatedFault) -> float:
    return _SECONDS[fault.name] if fault.seconds is None else fault.seconds


def _make_response(find: Callable[[str], SimulatedFault | None]) -> Response | None:
    if fault := find("down"):
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, fault)
    if fault := find("quota"):
        return _refuse(HTTPStatus.TOO_MANY_REQUESTS, fault)
    if find("error"):
        return PlainTextResponse("Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR)
    if find("expired-token"):
        return JSONResponse({"message": "Token expired"}, HTTPStatus.UNAUTHORIZED)
    if find("garbage"):
        return HTMLResponse("<html><body>Sedang dalam pemeliharaan</body></html>")
    if find("huge"):
        return Response(b'{"data": "%b"}' % (b"x" * _HUGE), media_type="application/json")
    return None


def _refuse(status: HTTPStatus, fault: SimulatedFault) -> Response:
    return PlainTextResponse(status.phrase, status, {"retry-after": f"{_read_seconds(fault):.0f}"})


async def _collect_answer(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """The start of the application's answer, and its body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _send_answer(send: Send, start: Message, body: bytes, *, more: bool) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _drop_connection(receive: Receive, wire: Send) -> None:
    """Close the connection of the current request. ASGI has no way to do it, so this is the one place that knows uvicorn's.

    Raises:
        httpx.RemoteProtocolError: there is no connection, since a test calls the application in its own process. Its
            client sees the error that a closed connection would be.
    """
    transport = getattr(getattr(wire, "__self__", None), "transport", None)
    if transport is None:
        raise httpx.RemoteProtocolError("the simulator dropped the connection")
    transport.close()
    # The server answers 500 in place of an application that returns before the server knows that the caller is gone.
    while (await receive())["type"] != "http.disconnect":
        pass
