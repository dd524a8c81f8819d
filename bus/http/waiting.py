"""Waiting readers: the open long-polls and streams. Each is woken when it may not read any more.

Promise: a reader is woken within a second after this process learns that its token, client or grant has ended. The end of a
grant's last day counts too.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Final, Protocol

from bus import clock
from bus.problem import Refused, Unavailable

_LOOK_SECONDS: Final = 0.5
"""Seconds between two looks at the calendar."""


class WaitingReader(Protocol):
    """A long-poll, a stream, or a question to an agency.

    Attributes:
        token: its token, and the scope that it needs. They are checked once for all readers that have both.
        grant: the names of its contract, or the id of its subscription, and of its participant. The grants of all readers of
            the same are checked once.
    """

    @property
    def token(self) -> tuple[bytes, str]: ...

    @property
    def grant(self) -> tuple[str, str]: ...

    def check_token(self) -> None:
        """Refuse a token that has ended. Called in a thread.

        Raises:
            Refused: the token has ended.
        """
        ...

    def check_grant(self) -> None:
        """Refuse a grant that shows nothing any more. Called in a thread.

        Raises:
            Refused: the grant has ended.
        """
        ...

    def end(self, refusal: Refused) -> None:
        """Wake the reader with the reason why it may not read. Called on the event loop."""
        ...

    def finish(self) -> None:
        """Wake the reader, to answer with what there is. Called on the event loop."""
        ...


class WaitingReaders:
    """The waiting readers of one process. Belongs to one event loop, except `tokens_changed` and `grants_changed`."""

    def __init__(self, today: Callable[[], date] = clock.today) -> None:
        """`today` gives the date in Lamongan: grants end with a day there."""
        self._today = today
        self._readers: set[WaitingReader] = set()
        self._changed = asyncio.Event()
        self._have_grants_changed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_finished = False

    @contextmanager
    def enter(self, reader: WaitingReader) -> Iterator[None]:
        """Count a reader as waiting."""
        self._readers.add(reader)
        if self._is_finished:
            reader.finish()
        try:
            yield
        finally:
            self._readers.discard(reader)

    def finish(self) -> None:
        """Have every reader answered with what there is, now and from now on: the process stops."""
        self._is_finished = True
        for reader in tuple(self._readers):
            reader.finish()

    def tokens_changed(self) -> None:
        """Have every reader's token checked. Callable from any thread. Does no harm while `follow` does not run."""
        self._on_loop(self._changed.set)

    def grants_changed(self) -> None:
        """Have every reader's token and grant checked. Callable from any thread. Does no harm while `follow` does not run."""
        self._on_loop(self._note_grants)

    async def follow(self) -> None:
        """Check readers after each change, and at the beginning of each day, until cancelled."""
        self._loop = asyncio.get_running_loop()
        day = self._today()
        try:
            while True:
                with suppress(TimeoutError):
                    # Not `wait_for`, which loses a cancellation that comes together with the event (Python 3.11).
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._changed.wait()
                before, day = day, self._today()
                has_day_changed = day != before
                if self._changed.is_set() or has_day_changed:
                    await self._look(has_day_changed)
        finally:
            self._loop = None

    async def _look(self, has_day_changed: bool) -> None:
        # Cleared before the check: a change during the check may be too late for it.
        self._changed.clear()
        with_grants, self._have_grants_changed = self._have_grants_changed or has_day_changed, False
        refused = await asyncio.to_thread(_refused, list(self._readers), with_grants)
        for reader, refusal in refused:
            reader.end(refusal)

    def _note_grants(self) -> None:
        self._have_grants_changed = True
        self._changed.set()

    def _on_loop(self, note: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(note)


def _refused(readers: Sequence[WaitingReader], with_grants: bool) -> list[tuple[WaitingReader, Refused]]:
    """The readers that may not read any more, each with the reason."""
    of_token = {reader.token: reader for reader in readers}
    refused_tokens = {token: _find_refusal(reader.check_token) for token, reader in of_token.items()}
    of_grant = {reader.grant: reader for reader in readers} if with_grants else {}
    refused_grants = {grant: _find_refusal(reader.check_grant) for grant, reader in of_grant.items()}
    found = [(reader, refused_tokens[reader.token] or refused_grants.get(reader.grant)) for reader in readers]
    return [(reader, refusal) for reader, refusal in found if refusal is not None]


def _find_refusal(check: Callable[[], None]) -> Refused | None:
    try:
        check()
    except Unavailable:
        # If the database does not answer, no grant ends. The reader itself checks again with its next page.
        return None
    except Refused as refusal:
        return refusal
    return None
