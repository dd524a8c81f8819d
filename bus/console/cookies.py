"""Cookies of the console: their names and flags.

A cookie with the prefix `__Host-` comes from this host alone, and over TLS alone (RFC 6265bis, section 4.1.3.2). Browsers refuse
it over plain http. So a bus whose own address is plain http on this machine uses another name there, and nowhere else.
"""

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

SESSION: Final = "sesi"
VISITOR: Final = "tamu"
"""Of a browser that is not signed in yet: what the form's token is bound to."""
LANGUAGE: Final = "bahasa"
WANTED: Final = "tujuan"
"""The page that a proof by a new link leads to."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def read_cookie(request: Request, name: str) -> str:
    """The value of a cookie; empty if the browser sent none."""
    return request.cookies.get(_find_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Have the browser keep a cookie, until it closes or for some seconds. Scripts cannot read it."""
    secure = not is_local(request)
    full = _find_name(request, name)
    response.set_cookie(full, value, seconds, path="/", secure=secure, httponly=True, samesite="lax")


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    secure = not is_local(request)
    response.delete_cookie(_find_name(request, name), path="/", secure=secure, httponly=True, samesite="lax")


def is_local(request: Request) -> bool:
    """Whether the bus's own address is plain http on this machine, and the browser asks for this machine."""
    issuer = urlsplit(request.app.state.rooms.tokens.issuer)
    asked = urlsplit(f"//{request.headers.get('host', '')}")
    return issuer.scheme == "http" and issuer.hostname in _LOOPBACK and asked.hostname in _LOOPBACK


def _find_name(request: Request, name: str) -> str:
    # Ports share cookies: with its port in the name, a bus never gets another bus's session.
    if is_local(request):
        return f"konsol-{name}-{urlsplit(request.app.state.rooms.tokens.issuer).port}"
    return f"__Host-konsol-{name}"
