"""Pulls: brings a copy to the bus's state, keeps it there, and compares the two.

Promise: whenever a pull is killed, the next one ends in exactly the bus's state. Each batch moves the copy and its place
together, and to read a record twice does no harm.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final, Protocol

from bus import json
from bus.pull.errors import AnswerAltered, CopyDiffers
from bus.pull.source import KeyRange, Line, Source, Stream
from bus.pull.store import Store
from bus.remote import BusAway, BusRefuses

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between tries that brought nothing."""
_GONE: Final = "urn:bus:problem:cursor-gone"
_BATCH_LINES: Final = 1000
_BATCH_SIZE: Final = 4_000_000
"""Characters of a batch's lines, so that large records take bounded memory."""
_WAIT: Final = 50
"""Seconds of a long poll. Then the grant is looked at again."""
_REST: Final = 5
"""A pull that follows rests this many times as long as a write of the target took: a large file is not written all the time."""


class Listener(Protocol):
    """What a pull tells its user."""

    def begin(self, count: int | None) -> None:
        """A stream begins; None: nobody knows yet how many records it brings."""
        ...

    def advance(self, count: int) -> None:
        """So many more records are in the copy."""
        ...

    def tell(self, text: str) -> None:
        """Something that the user may want to know."""
        ...


class Pull:
    """Brings a copy to the bus's state.

    Args:
        write: brings the target to the copy's state, where the copy is not itself the target.
        pauses: seconds between tries while the bus is away.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        listener: Listener,
        write: Callable[[], None],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._source = source
        self._store = store
        self._listener = listener
        self._write = write
        self._pauses = pauses

    def run(self, *, for_ever: bool = False) -> int:
        """Bring the copy to the bus's present state. Returns how many records came.

        Args:
            for_ever: whether to try again without end while the bus is away.

        Raises:
            BusAway: the bus was away too long.
            BusRefuses: the bus gives no such records, or no longer.
            KeyHidden: the grant shows no key.
            TargetFailed: the target takes nothing more. What is in it is whole.
        """
        came = failures = 0
        while True:
            before = self._store.state
            try:
                came += self._read_stream()
                admission = self._source.ask_admission()
            except BusAway as away:
                # To begin anew is no progress: else what alters each answer would be asked without end.
                moved = self._store.state != before and not isinstance(away, AnswerAltered)
                failures = 1 if moved else failures + 1
                self._rest(away, failures, for_ever)
                continue
            if admission.origin == self._store.state.origin:
                self._write()
                return came
            self._listener.tell("The grant changed meanwhile. All records are read anew.")

    def follow(self) -> None:
        """Keep the copy at the bus's state, until the process ends.

        Raises:
            BusRefuses, KeyHidden, TargetFailed: as `run`.
        """
        while True:
            started = time.monotonic()
            self.run(for_ever=True)
            time.sleep(min((time.monotonic() - started) * _REST, _WAIT))
            self._wait()

    def verify(self) -> int:
        """Compare the copy with the bus's digests of ranges of keys. Call it behind `run`. Returns the number of records.

        Raises:
            BusAway, BusRefuses: the bus gives no digests.
            CopyDiffers: the copy is not what the bus has. The next pull reads all records anew.
        """
        differing, count = _compare(self._store, self._source.read_digests(self._store.state.cursor))
        if differing:
            self._store.forget_cursor()
            raise CopyDiffers(
                f"The copy differs from the bus in {differing} ranges of keys. Start the pull again: it reads all records anew."
            )
        return count

    def _read_stream(self) -> int:
        admission = self._source.ask_admission()
        if admission.origin != self._store.state.origin:
            self._store.begin(admission.origin)
        state = self._store.state
        try:
            answer, stream = self._source.open_stream(admission, state.resume or state.cursor)
        except BusRefuses as refusal:
            if refusal.type != _GONE:
                raise
            self._listener.tell("The bus has no such state any more. All records are read anew.")
            self._store.begin(admission.origin)
            answer, stream = self._source.open_stream(admission, "")
        try:
            return self._apply(stream)
        finally:
            answer.close()

    def _apply(self, stream: Stream) -> int:
        self._listener.begin(stream.count)
        came = size = 0
        batch: list[Line] = []
        try:
            for line in stream.lines():
                batch.append(line)
                size += len(line.text)
                if len(batch) >= _BATCH_LINES or size >= _BATCH_SIZE:
                    came += self._take(batch)
                    batch, size = [], 0
        except AnswerAltered:
            # Nobody knows which of the lines are wrong, nor whose keys they have. All records are read anew.
            self._store.begin(self._store.state.origin)
            raise
        except BusAway:
            # However short a line holds, each try brings the copy further.
            self._take(batch)
            raise
        came += self._take(batch)
        self._store.finish(stream.following)
        return came

    def _take(self, batch: Sequence[Line]) -> int:
        self._store.apply(batch)
        self._listener.advance(len(batch))
        return len(batch)

    def _wait(self) -> None:
        try:
            self._source.wait(self._store.state.cursor, _WAIT)
        except BusAway as away:
            self._rest(away, 1, for_ever=True)
        except BusRefuses as refusal:
            if refusal.type != _GONE:
                raise

    def _rest(self, away: BusAway, failures: int, for_ever: bool) -> None:
        if failures > len(self._pauses) and not for_ever:
            raise away
        pause = self._pauses[min(failures, len(self._pauses)) - 1]
        self._listener.tell(f"{away.detail} Trying again in {pause:.0f} s.")
        time.sleep(pause)


def _compare(store: Store, ranges: Iterator[KeyRange]) -> tuple[int, int]:
    """How many ranges differ, and how many records the copy has."""
    differing = total = 0
    events = store.read_events()
    following = next(events, None)
    for one in ranges:
        end, digest, count = one.to.encode(), sha256(), 0
        while following is not None and following[0].encode() <= end:
            key, event = following
            digest.update(json.dump_canonical([key, json.loads(event)["data"]]) + b"\n")
            count += 1
            following = next(events, None)
        total += count
        differing += (count, digest.hexdigest()) != (one.records, one.digest)
    if following is not None:
        # The bus has no key behind its last range.
        differing += 1
        events.close()
    return differing, total
