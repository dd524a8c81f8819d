"""A stand-in for the bus that plays the faults of a bad line, as a case asks for it.

It keeps the events that it accepts, knows a repeated event by its source and id, and remembers every request.
"""

import gzip
import json
import socket
import socketserver
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105
EVENTS_PATH: Final = "/v1/events"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that arrived.

    Attributes:
        path: with its query.
        headers: by their names in lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]


@dataclass
class Scenario:
    """What the server answers, and what it has seen.

    Attributes:
        answers: for each path, the answers in their order; then the server accepts events and hands out tokens.
        accepted: the events, each once, in the order in which they came.
    """

    answers: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._queues = defaultdict(deque, {path: deque(answers) for path, answers in self.answers.items()})
        self._lock = threading.Lock()

    def choose_answer(self, request: Request) -> dict[str, Any]:
        """The answer to a request. Its keys: `status`, `headers`, `accept`, `drop`, and one of `json`, `text` and `stream`.

        `drop` says where the connection breaks: `before` or `after` the request's body, or at `half` of the answer.
        `stream` has the sequences of a snapshot's records, and those members of its trailer that the case sets.
        """
        with self._lock:
            self.requests.append(request)
            queue = self._queues[request.route]
            answer = queue.popleft() if queue else {"accept": True}
            if "status" in answer or not answer.get("accept"):
                return answer
            return {"status": 202, "json": self._accept(request)} | answer

    def _accept(self, request: Request) -> dict[str, Any]:
        if request.route == TOKEN_PATH:
            number = sum(one.route == TOKEN_PATH for one in self.requests)
            return {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": 600}
        sent = json.loads(request.body)
        events = sent if isinstance(sent, list) else [sent]
        known = {(event["source"], event["id"]) for event in self.accepted}
        fresh = [event for event in events if (event["source"], event["id"]) not in known]
        self.accepted += fresh
        if isinstance(sent, dict):
            return {"position": len(self.accepted), "duplicate": not fresh}
        counts = {"accepted": len(fresh), "duplicates": len(events) - len(fresh)}
        return counts | {"last_position": len(self.accepted), "rejected": []}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    scenario = Scenario()


class _Connection(socketserver.StreamRequestHandler):
    """Reads one request, answers it, and closes."""

    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):
            request = self._read()
            if request is None:
                return
            answer = self.server.scenario.choose_answer(request)
            if answer.get("drop") == "after":
                return
            head, body = _write(answer)
            self.wfile.write(head + (body[: len(body) // 2] if answer.get("drop") == "half" else body))

    def _read(self) -> Request | None:
        method, path, *_ = self.rfile.readline().decode().split() or ("", "")
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if self._breaks_before(path):
            return None
        return Request(method, path, headers, self.rfile.read(int(headers.get("content-length", 0))))

    def _breaks_before(self, path: str) -> bool:
        """Whether the connection breaks before the body is read. The request then counts as one that arrived."""
        scenario, route = self.server.scenario, path.partition("?")[0]
        queue = scenario._queues[route]
        if not queue or queue[0].get("drop") != "before":
            return False
        scenario.choose_answer(Request("", path, {}, b""))
        # Unread bytes make the system answer with a reset, as a broken line does.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return True


def _write(answer: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """An answer's head and body in HTTP/1.1. With `"length": false` the body ends with the connection."""
    content, body = _write_body(answer)
    headers = {"Content-Type": content, "Connection": "close", **answer.get("headers", {})}
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)
    if answer.get("length", True):
        headers["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.get('status', 200)} Scenario\r\n{head}\r\n".encode(), body


def _write_body(answer: Mapping[str, Any]) -> tuple[str, bytes]:
    """An answer's media type and content."""
    if "stream" in answer:
        return "application/x-ndjson", _write_stream(**answer["stream"])
    if "text" in answer:
        return "text/html", str(answer["text"]).encode()
    return "application/json", json.dumps(answer.get("json", {})).encode()


def _write_stream(
    sequences: Sequence[str], trailer: Mapping[str, Any] | None, noise: str = "", bytes: int = 0
) -> bytes:
    """A snapshot as the bus writes it, with so many bytes more in each record.

    With `trailer` null it ends without one; `noise` stands before it.
    """
    data = {"s": "\u2028é🏛" + "x" * bytes}
    events = [{"specversion": "1.0", "id": number, "sequence": number, "data": data} for number in sequences]
    lines = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)
    right = {"count": len(events), "digest": f"sha256:{sha256(lines).hexdigest()}"}
    end = b"" if trailer is None else json.dumps(right | dict(trailer)).encode() + b"\n"
    return lines + noise.encode() + end


@contextmanager
def a_scenario_server() -> Iterator[tuple[str, _Server]]:
    """The address of a server, and the server: set its `scenario` for each case."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server
        finally:
            server.shutdown()
            thread.join()
