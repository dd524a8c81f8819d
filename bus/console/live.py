"""Live numbers: one computation for all open consoles of a process, and the streams that carry it.

Promise: however many consoles are open, the database is asked once in some seconds, and only while a console is open.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from bus import clock, json
from bus.agencies import list_serving
from bus.console.needs import list_needs
from bus.console.visit import NotSignedIn
from bus.console.words import INDONESIAN, Words, find_words
from bus.doctor import Finding
from bus.http import Rooms, connections_at_once
from bus.problem import Refused, Unavailable
from bus.refusals import Poll
from bus.status import Status

EVERY_SECONDS: Final = 5.0
_PROOF_SECONDS: Final = 30.0
"""How long a stream goes on before its session is looked for again."""
_HEARTBEAT_SECONDS: Final = 15.0
_OF_A_SESSION: Final = 4
_OF_ALL: Final = 2_000
_RETRY: Final = b"retry: 10000\n\n"
_NOTHING: Final = b":\n\n"


class LiveCrowded(Refused):
    """Too many consoles are open for live numbers; the page works without, and shows newer ones when it is loaded again."""

    status = 429
    slug = "live-crowded"


@dataclass(frozen=True, slots=True)
class _Look:
    """What one computation found, and the messages that were made of it."""

    status: Status
    findings: tuple[Finding, ...]
    messages: dict[tuple[str | None, str], bytes]


class Live:
    """The live numbers of one process. Belongs to its event loop."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._look: _Look | None = None
        self._looked_at = 0.0
        self._looking = asyncio.Lock()
        self._open: Counter[str] = Counter()
        # Most connections stay for other requests.
        self._most = min(_OF_ALL, connections_at_once(rooms.settings) // 4)

    def check_room(self, session: str) -> None:
        """Refuse one more stream of a session, if it or all sessions together have as many as they may.

        Raises:
            LiveCrowded: there is no room.
        """
        if not self.has_room(session):
            raise LiveCrowded("Too many live pages are open.")

    def has_room(self, session: str) -> bool:
        """Whether one more stream of a session may begin."""
        return self._open[session] < _OF_A_SESSION and self._open.total() < self._most

    @contextmanager
    def count(self, session: str) -> Iterator[None]:
        """Count a stream of a session as open."""
        self._open[session] += 1
        try:
            yield
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]

    async def write_message(self, reach: str | None, language: str) -> bytes:
        """The newest numbers as a server-sent event, at most some seconds old.

        Args:
            reach: the participant whose numbers they are; None: the whole bus's.

        Raises:
            Unavailable: the database does not answer.
        """
        async with self._looking:
            if self._look is None or time.monotonic() >= self._looked_at + EVERY_SECONDS:
                self._look = await asyncio.to_thread(_look, self._rooms)
                self._looked_at = time.monotonic()
            look = self._look
        key = (reach, language)
        if key not in look.messages:
            status = look.status if reach is None else _cut(look.status, reach)
            findings = look.findings if reach is None else ()
            look.messages[key] = _write(status, findings, find_words(language))
        return look.messages[key]


class Watcher:
    """One open stream, as `WaitingReaders` knows it: it ends with its session, and when the process stops.

    Attributes:
        token, grant: see `WaitingReader`.
    """

    def __init__(self, rooms: Rooms, secret: str) -> None:
        self._rooms = rooms
        self._secret = secret
        self._ended = asyncio.Event()
        self.token = (sha256(secret.encode()).digest(), "konsol")
        self.grant = ("", "")

    def check_token(self) -> None:
        """Refuse a session that has ended; see `WaitingReader`."""
        if self._rooms.staff.sessions.find(self._secret, is_used=False) is None:
            raise NotSignedIn("Sign in first.")

    def check_grant(self) -> None:
        """No grant is needed; see `WaitingReader`."""

    def end(self, refusal: Refused) -> None:
        """End the stream; see `WaitingReader`."""
        self._ended.set()

    def finish(self) -> None:
        """End the stream; see `WaitingReader`."""
        self._ended.set()

    async def wait(self, seconds: float) -> bool:
        """Wait so long. Returns whether the stream goes on."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return True
        return False


async def stream(
    live: Live, rooms: Rooms, secret: str, session: str, reach: str | None, language: str
) -> AsyncIterator[bytes]:
    """The events of one console, until its session ends, the browser goes, or the process stops.

    Args:
        secret: the session's, for another look; `session` is its id.
        reach, language: see `Live.write_message`.
    """
    watcher, sent = Watcher(rooms, secret), b""
    wrote_at = proved_at = time.monotonic()
    if not live.has_room(session):
        # Others came between the check and the beginning of this stream.
        yield _RETRY
        return
    with live.count(session), rooms.waiting.enter(watcher):
        yield _RETRY
        goes_on = True
        while goes_on:
            try:
                message = await live.write_message(reach, language)
                if time.monotonic() >= proved_at + _PROOF_SECONDS:
                    await asyncio.to_thread(watcher.check_token)
                    proved_at = time.monotonic()
            except Unavailable:
                message = sent
            except NotSignedIn:
                return
            if message != sent or time.monotonic() >= wrote_at + _HEARTBEAT_SECONDS:
                yield message if message != sent else _NOTHING
                sent, wrote_at = message, time.monotonic()
            goes_on = await watcher.wait(EVERY_SECONDS)


def _look(rooms: Rooms) -> _Look:
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    known = list_serving(rooms.agencies, rooms.quotas, rooms.queries)
    return _Look(rooms.status.read(None, polls, known=known), tuple(rooms.checkups.read()), {})


def _cut(status: Status, reach: str) -> Status:
    """A participant's part of the status, as far as the numbers need it."""
    return replace(
        status,
        bus=None,
        subscribers=[one for one in status.subscribers if one.subscription.participant == reach],
        polls=[],
        agencies=[],
        producers=[one for one in status.producers if reach in one.silent],
        refused=[one for one in status.refused if one.participant == reach],
    )


def _write(status: Status, findings: tuple[Finding, ...], words: Words) -> bytes:
    numbers: Mapping[str, int] = {
        "subscribers": len(status.subscribers),
        "troubled": sum(one.is_troubled for one in status.subscribers),
        "pending": sum(one.pending for one in status.subscribers),
        "dead": sum(one.dead for one in status.subscribers),
        "refused": sum(one.events for one in status.refused),
    }
    if status.bus is not None:
        numbers = {**numbers, "position": status.bus.position}
    told = {name: words.tell_number(number) for name, number in numbers.items()}
    # Without the texts, whose counts change all the time: the page is made anew only when something else needs somebody.
    needs = [(one.is_urgent, one.path, one.act) for one in list_needs(status, findings, find_words(INDONESIAN))]
    document = {
        "angka": told | {"at": words.tell_moment(clock.now())},
        "perlu": sha256(json.dumps(needs)).hexdigest()[:12],
    }
    return b"data: %b\n\n" % json.dumps(document)
