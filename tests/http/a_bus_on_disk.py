"""A bus on disk that is asked, stopped, backed up and restored by a synchronous test."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx

from bus import json
from bus.contracts import Waiting
from bus.identity.keys import Keys
from bus.journal import ValueIndex, begin_epoch
from bus.storage import open_storage
from tests.a_bus import Bus, a_bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA
from tests.http.a_record_model import Consumer, Event


class BusOnDisk:
    """One bus, from an empty database on. It runs when it is made."""

    def __init__(self, template: Path, keys: Keys) -> None:
        """`template`: an empty database."""
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name) / "bus.db"
        self._keys = keys
        shutil.copy(template, self._path)
        self._start()

    def _start(self) -> None:
        self.storage = open_storage(f"sqlite:///{self._path}")
        self._stack = AsyncExitStack()
        self.bus: Bus = self._runner.run(
            self._stack.enter_async_context(a_bus(self.storage, self._keys, self._path.parent))
        )
        self._clients: dict[str, httpx.AsyncClient] = {}

    def _stop(self) -> None:
        self._runner.run(self._stack.aclose())
        self.storage.close()

    def restart(self) -> None:
        self._stop()
        self._start()

    def close(self) -> None:
        self._stop()
        self._runner.close()
        self._folder.cleanup()

    def back_up(self) -> None:
        self._stop()
        shutil.copy(self._path, self._path.with_suffix(".copy"))
        self._start()

    def restore(self) -> None:
        """All is as it was at the last back-up, in a new epoch."""
        self._stop()
        shutil.copy(self._path.with_suffix(".copy"), self._path)
        storage = open_storage(f"sqlite:///{self._path}")
        with storage.write() as transaction:
            begin_epoch(transaction)
        storage.close()
        self._start()

    def ask(self, consumer: Consumer, path: str, form: str = "application/json", /, **params: Any) -> httpx.Response:
        if consumer.name not in self._clients:
            self._clients[consumer.name] = self.bus.reader(consumer.name)
        asked = {"params": params, "headers": {"accept": form}}
        answer = self._runner.run(self._clients[consumer.name].get(path, **asked))
        if consumer.params and consumer.params.items() <= params.items():
            # The index must not change the answer. No other answer comes by the index, and the cursor of a history is random.
            with patch("bus.journal.read.find_choice", return_value=None):
                assert self._runner.run(self._clients[consumer.name].get(path, **asked)).content == answer.content
        return answer

    def publish(self, event: Event) -> dict[str, Any]:
        """The receipt of an event."""
        if OWNER not in self._clients:
            self._clients[OWNER] = self.bus.reader(OWNER, "events.publish")
        envelope = {"specversion": "1.0", "id": event.id, "source": "/uji", "type": WARGA, "subject": event.key}
        body = json.dumps(envelope | {"data": event.data})
        headers = {"content-type": "application/cloudevents+json"}
        answer = self._runner.run(self._clients[OWNER].post("/v1/events", content=body, headers=headers))
        assert answer.status_code == 202, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    def suspend(self, name: str, waiting: Waiting) -> None:
        self.bus.rooms.grants.suspend(WARGA, name, "diperiksa", waiting, OPERATOR)

    def resume(self, name: str) -> None:
        self.bus.rooms.grants.resume(WARGA, name, OPERATOR)

    def retire(self, version: str) -> None:
        self.bus.rooms.catalogue.registrar.retire(WARGA, version, OPERATOR)

    def index(self, steps: int) -> None:
        """Let the index of values go on, as far as the projection is."""
        index = ValueIndex(self.storage, self.bus.rooms.catalogue)
        for _ in range(steps):
            index.take_step()
