"""A simulator of the SPLP gateway: issues tokens, and refuses calls as WSO2 API Manager does.

The simulator of an agency behind SPLP adds its API to this one.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from bus.clock import now
from bus.kit.outage import OUTAGES
from bus.kit.simulated_fault import SimulatedFaults
from bus.kit.simulator_app import SimulatorApp, make_simulator_app

GATEWAY_SETTINGS: Mapping[str, str] = {
    "consumer_key": "kunci-simulasi",
    "consumer_secret": "rahasia-simulasi",
    "tenant": "lamongankab.go.id",
}
GATEWAY_APIKEY = "kunci-api-simulasi"
"""The key that every API takes in place of a token, in the header `apikey`."""
GATEWAY_FAULTS: Mapping[str, str] = {
    **OUTAGES,
    "login": "the token endpoint refuses the application's key",
    "expired-token": "every token is revoked after one call: 401 with 900901",
    "not-subscribed": "403 with 900908",
    "throttled": "429 with 900802 and a nextAccessTime a minute away",
    "quota-exceeded": "429 with 900800",
    "suspended": "503 with 303001",
    "backend-down": "503 with 101503",
    "backend-slow": "504 with 101504",
}

_PLAIN: Mapping[str, tuple[int, str, str]] = {
    "not-subscribed": (403, "900908", "Resource forbidden"),
    "quota-exceeded": (429, "900800", "Message throttled out"),
    "suspended": (503, "303001", "Address endpoint suspended"),
    "backend-down": (503, "101503", "Error connecting to the back end"),
    "backend-slow": (504, "101504", "Connection timed out"),
}
"""Refusals that say nothing but their code: status, code and message."""
_LIFETIME = 3600


def make_gateway_app(
    agency: str,
    faults: SimulatedFaults,
    received: list[Any],
    token_header: str,
    show_state: Callable[[], Any] = dict,
    beside: Sequence[str] = (),
) -> SimulatorApp:
    """A gateway as an application, to which a simulator adds its API.

    Args:
        agency: the agency's name, for the application's title.
        faults: the faults, as `Simulator.create_app` was given them.
        received: the list that `GET /_simulator/received` shows.
        token_header: the header in which a call must have a token of this gateway.
        show_state: what the agency holds now.
        beside: beginnings of paths that the agency serves beside the gateway, without its tokens.
    """
    app = make_simulator_app(agency, faults, received, show_state)
    tokens = _Tokens(faults)

    @app.post("/oauth2/token")
    async def issue_token(request: Request) -> Response:
        """A token of SPLP, for the grant `client_credentials`."""
        if "login" in faults or not _is_known(request.headers.get("authorization", "")):
            error = {"error": "invalid_client", "error_description": "Client Authentication failed."}
            return JSONResponse(error, 401)
        return JSONResponse({"access_token": tokens.issue(), "token_type": "Bearer", "expires_in": _LIFETIME})

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path.startswith(("/oauth2/", "/_simulator/", *beside)):
            return await answer(request)
        header = request.headers.get(token_header) or request.headers.get("AuthorizationSPLP")
        has_key = request.headers.get("apikey") == GATEWAY_APIKEY
        return _find_refusal(faults, tokens, header, has_key=has_key) or await answer(request)

    return app


class _Tokens:
    """The tokens that the gateway accepts; under the fault `expired-token` each for one call."""

    def __init__(self, faults: SimulatedFaults) -> None:
        self._faults = faults
        self._numbers = count(1)
        self._good: set[str] = set()

    def issue(self) -> str:
        token = f"token-simulasi-{next(self._numbers)}"
        self._good.add(token)
        return token

    def admits(self, header: str) -> bool:
        token = header.removeprefix("Bearer ")
        good = header.startswith("Bearer ") and token in self._good
        if "expired-token" in self._faults:
            self._good.discard(token)
        return good


def _is_known(authorization: str) -> bool:
    try:
        account = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return account == f"{GATEWAY_SETTINGS['consumer_key']}:{GATEWAY_SETTINGS['consumer_secret']}"


def _find_refusal(faults: SimulatedFaults, tokens: _Tokens, header: str | None, *, has_key: bool) -> Response | None:
    if header is None and not has_key:
        return _make_answer(401, "900902", "Missing Credentials")
    if not has_key and not tokens.admits(header or ""):
        return _make_answer(401, "900901", "Invalid Credentials")
    if "throttled" in faults:
        next_access = now() + timedelta(minutes=1)
        when = f"{next_access:%Y-%b-%d %H:%M:%S}+0000 UTC"
        return _make_answer(429, "900802", "Message throttled out", nextAccessTime=when)
    plain = next((name for name in _PLAIN if name in faults), None)
    return None if plain is None else _make_answer(*_PLAIN[plain])


def _make_answer(status: int, code: str, message: str, **members: str) -> Response:
    return JSONResponse({"code": code, "message": message, "description": message, **members}, status)
