"""A console in the test's own process: browsers of nobody and of each role, and the forms that pages have."""

import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Final

import httpx

from bus.console import PAGES
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.identity import Kind, LoginPolicy
from bus.problem import Refused
from bus.staff import OF_PARTICIPANT, Accounts, Challenges, Identities, Passkeys, Provider, Role, SignIn, Staff
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.staff.a_member import LIGHT

SESSION: Final = "__Host-konsol-sesi"
_TOKEN: Final = re.compile(r'<input type="hidden" name="token" value="([^"]+)">')
HTML: Final = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Browser:
    """A browser without script, at the console."""

    http: httpx.AsyncClient

    async def look(self, path: str) -> httpx.Response:
        """A page, without following a redirect."""
        return await self.http.get(path, headers=HTML)

    async def send(self, path: str, page: str = "/konsol/sesi", **fields: str) -> httpx.Response:
        """A form with the token of a page."""
        token = token_in(await self.look(page))
        return await self.http.post(path, data={"token": token} | fields, headers=HTML)


def token_in(page: httpx.Response) -> str:
    """The token of the first form of a page."""
    found = _TOKEN.search(page.text)
    assert found, page.text
    return unescape(found[1])


class Console:
    """The console of a bus."""

    def __init__(self, bus: Bus, provider: Provider | None = None) -> None:
        rooms, settings = bus.rooms, bus.rooms.settings
        accounts = Accounts(rooms.storage, rooms.keys, settings.staff_link_minutes, LIGHT)
        policy = LoginPolicy(settings.wrong_sign_ins, settings.wrong_sign_ins, settings.wrong_logins_from_address)
        passkeys = Passkeys(rooms.storage, accounts, Challenges(rooms.storage, rooms.keys))
        sign_in = SignIn(accounts, passkeys, Identities(rooms.storage), policy, rooms.attempts, provider)
        staff = Staff(accounts, passkeys, rooms.staff.sessions, sign_in)
        rooms.staff.sign_in.close()
        # Light passwords: most tests only pass by the sign-in.
        bus.rooms = replace(rooms, staff=staff)
        self.bus = bus
        self.edge = create_edge(bus.rooms, Health({}), PAGES)

    def nobody(self, address: str = ADDRESS) -> Browser:
        """A browser in which nobody is signed in."""
        return Browser(httpx.AsyncClient(transport=httpx.ASGITransport(self.edge), base_url=address))

    def member(self, role: Role, participant: str = "bapenda", name: str = "") -> Browser:
        """A browser in which a new member of staff is signed in."""
        staff, browser = self.bus.rooms.staff, self.nobody()
        whose = participant if role in OF_PARTICIPANT else None
        if whose is not None:
            self.ensure(whose)
        account = staff.accounts.read_link(staff.accounts.add(name or f"uji-{role}", role, whose, OPERATOR)).account
        browser.http.cookies.set(SESSION, staff.sessions.open(account, "10.1.2.3", "Uji"))
        return browser

    def ensure(self, participant: str) -> None:
        """Add a participant if it is missing."""
        participants = self.bus.rooms.participants
        try:
            participants.get(participant)
        except Refused:
            participants.add(participant, participant.title(), Kind.APP, OPERATOR)
