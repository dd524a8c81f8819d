"""Targets of pulls, and what is in them, read with nothing of the pull's own code."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bus import json
from bus.pull import Pull, Source, open_target
from tests import no_tls
from tests.a_bus import Bus
from tests.builders import WARGA

TABLE = "kependudukan_warga"


@dataclass
class Told:
    """What a pull told its user."""

    texts: list[str] = field(default_factory=list)
    came: int = 0

    def begin(self, count: int | None) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Count."""
        self.came += count

    def tell(self, text: str) -> None:
        """Keep."""
        self.texts.append(text)


@dataclass(frozen=True)
class Copy:
    """A target, and who pulls into it."""

    target: str
    participant: str = "dinkes"

    def pull(self, address: str, authorization: str, *, verifies: bool = False, contract: str = WARGA) -> Told:
        """Bring it up to date, once. Call it in a thread."""
        told = Told()
        client = no_tls.Client(base_url=address, headers={"authorization": authorization}, timeout=30)
        with client as bus, open_target(self.target, contract) as target:
            pulling = Pull(Source(bus, contract), target.store, told, target.write, pauses=(0.0,) * 9)
            pulling.run()
            if verifies:
                pulling.verify()
                target.check()
        return told

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return Path(self.target).exists()

    @property
    def mode(self) -> int:
        """Who may read the file."""
        return Path(self.target).stat().st_mode

    def overwrite(self, text: str) -> None:
        """Write the file."""
        Path(self.target).write_text(text)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the target's database."""
        if self.target.startswith("postgresql"):
            with psycopg.connect(self.target) as postgres:
                cursor = postgres.execute(statement.encode())
                return cursor.fetchall() if cursor.description else []
        path = self.target.removeprefix("sqlite:///")
        if not self.target.startswith("sqlite"):
            path = str(Path(path).with_name(f".{Path(path).name}.pull.db"))
        # The hidden database is the pull's own to make: one that others may read is refused.
        mode = "rwc" if self.target.startswith("sqlite") else "rw"
        with sqlite3.connect(f"file:{path}?mode={mode}", uri=True) as sqlite:
            return sqlite.execute(statement).fetchall()

    def read(self) -> dict[str, Any]:
        """The data of each key."""
        if "://" in self.target:
            texts = [row[0] for row in self.query(f"SELECT bus_event FROM {TABLE}")]
        else:
            texts = Path(self.target).read_text().split("\n")[:-1]
        events = [json.loads(text) for text in texts]
        found = {event["subject"]: event["data"] for event in events}
        assert len(found) == len(events)
        return found


def authorize(bus: Bus, participant: str = "dinkes") -> str:
    """The Authorization header of somebody who may read events and its own grant."""
    return bus.token(participant, "events.read", "contracts.read")
