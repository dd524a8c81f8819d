"""The SDKs of CloudEvents behind one interface: each writes events as requests, and reads requests as events."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from dateutil.parser import isoparse

from bus import json

Event = dict[str, Any]

BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP message: headers in small letters, and the body."""

    headers: dict[str, str]
    body: str


class Sdk(Protocol):
    """What each SDK does."""

    def write(self, mode: str, events: Sequence[Event]) -> list[Message]:
        """Requests in the mode `binary`, `structured` or `batch`."""

    def read(self, messages: Sequence[Message]) -> list[list[Event]]:
        """The events of each message."""


@dataclass(frozen=True, slots=True)
class JavaScript:
    """The package `cloudevents` of npm.

    Attributes:
        folder: where it is installed.
    """

    folder: Path

    def write(self, mode: str, events: Sequence[Event]) -> list[Message]:
        """See `Sdk`."""
        return [Message(one["headers"], one["body"]) for one in self._run("write", {"mode": mode, "events": events})]

    def read(self, messages: Sequence[Message]) -> list[list[Event]]:
        """See `Sdk`."""
        read: list[list[Event]] = self._run("read", [{"headers": one.headers, "body": one.body} for one in messages])
        return read

    def _run(self, order: str, given: Any) -> Any:
        command = ["node", str(self.folder / "sdk.mjs"), order]
        ended = subprocess.run(command, input=json.dumps(given), capture_output=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr.decode()
        return json.loads(ended.stdout)


class Python:
    """The package `cloudevents` of PyPI. It knows no batches: an array is made of events as it writes each."""

    def write(self, mode: str, events: Sequence[Event]) -> list[Message]:
        """See `Sdk`."""
        if mode == "batch":
            single = self.write("structured", events)
            return [Message({"content-type": BATCH}, f"[{','.join(one.body for one in single)}]")]
        write = to_binary_event if mode == "binary" else to_structured_event
        written = [write(_make(event)) for event in events]
        return [Message(dict(one.headers), one.body.decode()) for one in written]

    def read(self, messages: Sequence[Message]) -> list[list[Event]]:
        """See `Sdk`."""
        return [list(map(_tell, self._parse(message))) for message in messages]

    def _parse(self, message: Message) -> list[CloudEvent]:
        if message.headers["content-type"].startswith(BATCH):
            return [JSONFormat().read(CloudEvent, json.dumps(event)) for event in json.loads(message.body)]
        return [from_http_event(HTTPMessage(message.headers, message.body.encode()))]


def _make(event: Event) -> CloudEvent:
    attributes = {name: isoparse(value) if name == "time" else value for name, value in event.items() if name != "data"}
    return CloudEvent({"datacontenttype": "application/json", **attributes}, event.get("data"))


def _tell(event: CloudEvent) -> Event:
    attributes = {
        name: value.isoformat() if name == "time" else value for name, value in event.get_attributes().items()
    }
    return {**attributes, "data": event.get_data()}
