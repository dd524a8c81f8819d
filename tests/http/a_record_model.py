"""A model of a contract's records: what each consumer must see, told by lists and dictionaries alone."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.builders import a_grant

SEMBUNG: Final = {"exact": {"desa": "sembung"}}
ENDED: Final = "2020-01-01"
CONSUMERS: Final = ("dinkes", "desa-sembung", "bapenda")

SeenEvent = tuple[int, str, dict[str, Any] | None]
"""An event as a consumer sees it: position, key and data."""


@dataclass(frozen=True)
class Event:
    """An accepted event as the model knows it."""

    position: int
    key: str
    data: dict[str, Any] | None
    id: str
    version: str


@dataclass
class Consumer:
    """A participant that keeps a copy.

    Attributes:
        rows: the row filter of its grant.
        params: by which the consumer itself chooses records.
        keeps: the position of the event that the copy has of each key.
        cursor: from which it goes on with records.
        read: the position up to which it read the feed.
        told: the position up to which it knows that the feed may have gaps.
        feed_epoch: the epoch of its place in the feed.
        passed: the end of its last whole pass through the records, and the epoch then.
        shows_name: of each version, whether the consumer's grant shows names.
    """

    name: str
    rows: bool = False
    params: dict[str, str] = field(default_factory=dict)
    keeps: dict[str, int] = field(default_factory=dict)
    cursor: str = ""
    feed_cursor: str = ""
    read: int = 0
    told: int = 0
    feed_epoch: int = 0
    passed: tuple[int, int] = (0, 0)
    shows_name: dict[str, bool] = field(default_factory=dict)
    is_suspended: bool = False
    has_ended: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether nothing is handed out under its grant."""
        return self.is_suspended or self.has_ended

    @property
    def problem(self) -> str:
        """Why not: a suspension says more than an end."""
        return "urn:bus:problem:" + ("grant-suspended" if self.is_suspended else "grant-expired")

    def restore_copy(self, bookmark: "Consumer") -> None:
        """Go back to a copy that was backed up. What it may see does not depend on that, nor does its feed."""
        self.keeps, self.cursor, self.passed = dict(bookmark.keeps), bookmark.cursor, bookmark.passed

    def take_place_of(self, later: "Consumer") -> None:
        """Have the copy and the places of the consumer as it was later, whose bus was restored."""
        self.restore_copy(later)
        self.feed_cursor, self.read, self.told = later.feed_cursor, later.read, later.told
        self.feed_epoch = later.feed_epoch

    def grant(self, version: str) -> dict[str, Any]:
        """Its entry in a version of the contract."""
        fields = None if self.shows_name[version] else ["/nik", "/desa"]
        return a_grant(
            self.name,
            fields=fields,
            rows=[SEMBUNG] if self.rows else None,
            **({"until": ENDED} if self.has_ended else {}),
        )

    def is_inside(self, data: dict[str, Any] | None, *, is_feed: bool = False) -> bool:
        """Whether an event is in the rows that it may see, and of records in those that it chose."""
        has_rows = self.rows or (bool(self.params) and not is_feed)
        return not has_rows or (data is not None and data["desa"] == "sembung")


@dataclass
class Model:
    """What was accepted, and who may see what of it.

    Attributes:
        in_force: the versions of the contract that are in force, the newest last.
        whole: behind this position, nothing that retention deleted is missed.
        ends: the last position of each epoch that a restore ended.
    """

    journal: list[Event] = field(default_factory=list)
    in_force: list[str] = field(default_factory=list)
    whole: int = 0
    ends: list[int] = field(default_factory=list)
    consumers: dict[str, Consumer] = field(default_factory=lambda: {one.name: one for one in _make_consumers()})

    @property
    def refused(self) -> list[Consumer]:
        """Whose grants show nothing now."""
        return [one for one in self.consumers.values() if one.is_refused]

    def retain(self) -> None:
        """Everything is old: of each record its newest event stays, unless it is a deletion. The journal's last event stays."""
        left = [one for one in self.newest().values() if one.data is not None or one is self.journal[-1]]
        for gone in [one for one in self.journal if one not in left]:
            later = [one.position for one in self.journal if one.key == gone.key and one.position > gone.position]
            self.whole = max(self.whole, later[0] if later else gone.position)
        self.journal = [one for one in self.journal if one in left]

    def find_common(self, epoch: int, position: int) -> int:
        """How far the journal of an epoch is that of today."""
        return min([position, *self.ends[epoch:]])

    def misses_something(self, epoch: int, position: int) -> bool:
        """Whether a reader that has all up to a position may miss something."""
        return position < self.whole or self.find_common(epoch, position) < position

    def newest(self) -> dict[str, Event]:
        """Each key's newest event."""
        return {event.key: event for event in self.journal}

    def feed_of(self, consumer: Consumer) -> list[SeenEvent]:
        """All events as the feed shows them: an event by which a record leaves the rows is a deletion."""
        before: dict[str, Event] = {}
        found: list[SeenEvent] = []
        for event in self.journal:
            last = before.get(event.key)
            if consumer.is_inside(event.data, is_feed=True):
                found.append((event.position, event.key, self.show(consumer, event)))
            elif last is not None and consumer.is_inside(last.data, is_feed=True):
                found.append((event.position, event.key, None))
            before[event.key] = event
        return found

    def show(self, consumer: Consumer, event: Event) -> dict[str, Any] | None:
        """An event's data by the grant of its version, or of the newest one if its own is out of force."""
        version = event.version if event.version in self.in_force else self.in_force[-1]
        if event.data is None or consumer.shows_name[version]:
            return event.data
        return {name: value for name, value in event.data.items() if name != "nama"}

    def state_of(self, consumer: Consumer) -> dict[str, int]:
        """The position of each record that a copy must hold."""
        newest = self.newest().items()
        return {
            key: event.position for key, event in newest if event.data is not None and consumer.is_inside(event.data)
        }


def _make_consumers() -> list[Consumer]:
    whole, rows, chooses = CONSUMERS
    return [Consumer(whole), Consumer(rows, rows=True), Consumer(chooses, params={"exact": "/desa=sembung"})]
