"""Refusals as RFC 9457 problems. Only this module turns an exception into an HTTP status.

What a problem says stands at its class: of a missing scope in `identity/scopes.py`, of a wrong token in `identity/tokens.py`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bus import json
from bus.http.acts import note_refused, route_of
from bus.limits import Limited
from bus.problem import FieldError, Invalid, Refused

log = structlog.get_logger(__name__)

_HELD_BACK: Final = 0.5
"""Seconds before a limit is told: a connection then gets at most two such refusals a second."""
_LEFT: Final = 499
"""For the metric alone: the client left before its request was whole."""
_OUR_RULE: Final = "Value error, "
"""What pydantic writes before the words of a rule of ours."""
MEDIA_TYPE = "application/problem+json"
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {"4XX": {}}
"""Keeps the framework from describing a 422 of its own; `openapi_document.complete` describes every refusal."""

UNEXPECTED_PROBLEM: Final = json.dumps(
    {
        "type": "urn:bus:problem:unexpected",
        "title": "The bus failed in a way it did not foresee",
        "status": 500,
        "detail": "Try again; if it stays, tell the operator the time of this request.",
    }
)


def install(app: Starlette) -> None:
    """Render every refusal, and every error of the framework, as a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _unexpected)


def problem(refusal: Refused) -> Response:
    """The response to a refused request."""
    return Response(
        json.dumps(refusal.to_document()), refusal.status, headers=dict(refusal.headers), media_type=MEDIA_TYPE
    )


def invalid(errors: Iterable[Mapping[str, Any]]) -> Invalid:
    """The refusal of a request with errors that pydantic found."""
    # Only place and rule: pydantic's `input` would repeat the sent value.
    wrong = [FieldError(_place(error["loc"]), str(error["msg"]).removeprefix(_OUR_RULE)) for error in errors]
    return Invalid("The request is not as the documentation says.", errors=wrong)


async def hold_back(seconds: float = _HELD_BACK) -> None:
    """Wait a little before a limit is told. Otherwise clients that ask again at once would take the others' time."""
    await asyncio.sleep(seconds)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - what the handler is registered for
    note_refused(request, error)
    if isinstance(error, Limited):
        await hold_back()
    return problem(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    return problem(invalid(error.errors()))


def _place(location: Sequence[str | int]) -> str:
    return json.to_pointer(location[1:] if location and location[0] == "body" else location)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    document: dict[str, Any] = {"type": "about:blank", "title": str(error.detail), "status": error.status_code}
    return Response(json.dumps(document), error.status_code, headers=dict(error.headers or {}), media_type=MEDIA_TYPE)


async def _left(request: Request, error: Exception) -> Response:
    # Nobody reads this answer. Its status tells it apart in the metric of requests.
    return Response(status_code=_LEFT)


async def _unexpected(request: Request, error: Exception) -> Response:
    # The message of an unexpected error, and the path, may hold personal data. Only type and route are logged.
    log.error("http.unexpected_error", error=type(error).__name__, route=route_of(request.scope))
    return Response(UNEXPECTED_PROBLEM, 500, media_type=MEDIA_TYPE)
