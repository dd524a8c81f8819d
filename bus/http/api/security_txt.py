"""Where somebody who found a weakness reports it (RFC 9116)."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from bus import clock
from bus.http.rooms import Rooms
from bus.problem import NotFound

router = APIRouter(tags=["Operation"])

_BELIEVED: Final = timedelta(days=90)
"""RFC 9116, 2.5.5 recommends less than a year; the document is made anew for each who asks."""


class NoSecurityContact(NotFound):
    """The operator of this bus named no contact for security."""

    slug = "no-security-contact"


@router.get("/.well-known/security.txt", response_class=PlainTextResponse, responses={404: {}})
async def security_txt(request: Request) -> PlainTextResponse:
    """Where to report a weakness of this bus (RFC 9116)."""
    rooms: Rooms = request.app.state.rooms
    contact = rooms.settings.security_contact
    if not contact:
        raise NoSecurityContact("Set BUS_SECURITY_CONTACT to a mailto: or https: address.")
    expires = (clock.now() + _BELIEVED).isoformat(timespec="seconds").replace("+00:00", "Z")
    fields = {
        "Contact": contact,
        "Expires": expires,
        "Preferred-Languages": "id, en",
        "Canonical": f"{rooms.tokens.issuer}/.well-known/security.txt",
    }
    return PlainTextResponse("".join(f"{name}: {value}\n" for name, value in fields.items()))
