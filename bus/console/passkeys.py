"""Passkeys on pages: whether the browser may have one here, and what a form asks it."""

import asyncio
from functools import partial

from fastapi import Request

from bus.http import Rooms
from bus.problem import NotFound
from bus.staff import Account, RelyingParty, find_relying_party


class PasskeysUnavailable(NotFound):
    """Browsers know no passkeys at this address; open the console by the bus's own host name, over TLS."""

    slug = "passkeys-unavailable"


def find_party(request: Request) -> RelyingParty | None:
    """The relying party of this page; None: passkeys do not work at the address that the browser asks for."""
    party = find_relying_party(request.app.state.rooms.tokens.issuer)
    is_here = party is not None and party.origin.partition("://")[2] == request.headers.get("host", "").lower()
    return party if is_here else None


def get_party(request: Request) -> RelyingParty:
    """The relying party of this page.

    Raises:
        PasskeysUnavailable: see the class.
    """
    party = find_party(request)
    if party is None:
        raise PasskeysUnavailable("Passkeys do not work at this address.")
    return party


async def ask_proof(request: Request, bound: str, account: Account | None = None) -> str:
    """What a form asks the browser for a proof; empty: passkeys do not work here, or the account has none.

    Args:
        bound: the cookie's value that the form is bound to.
        account: whose passkeys count; None: anybody's.
    """
    party, rooms = find_party(request), _rooms(request)
    if party is None or (account is not None and not account.has_passkey):
        return ""
    return await asyncio.to_thread(partial(rooms.staff.passkeys.ask_proof, bound, party, account))


async def ask_creation(request: Request, account: Account, bound: str) -> str:
    """What a form asks the browser for a new passkey; empty: passkeys do not work here."""
    party = find_party(request)
    if party is None:
        return ""
    return await asyncio.to_thread(_rooms(request).staff.passkeys.ask_creation, account, bound, party)


def _rooms(request: Request) -> Rooms:
    rooms: Rooms = request.app.state.rooms
    return rooms
