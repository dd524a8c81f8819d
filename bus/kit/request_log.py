"""The log of the requests that a simulator answered, for a developer to look at and for a test to assert on."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from starlette.types import Message, Receive, Scope, Send

from bus.clock import now, rfc3339

MOST_REQUESTS: Final = 1000
"""Requests that the log keeps; older ones are dropped."""
MOST_BODY: Final = 4096
"""Bytes of a body that the log keeps."""

_HIDDEN: Final = "[disembunyikan]"
_SECRET: Final = (
    r"[\w-]*(?:token|pass|sandi|secret|rahasia|api_?key|user_?key|consumer|auth|credential|client_assertion)[\w-]*"  # noqa: S105
)
_SECRET_NAME: Final = re.compile(_SECRET, re.IGNORECASE)
_IN_FORM: Final = re.compile(rf"((?:^|&){_SECRET}=)[^&]*", re.IGNORECASE)
_IN_JSON: Final = re.compile(rf'("{_SECRET}"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}}\]\s]+)', re.IGNORECASE)
_IN_XML: Final = re.compile(rf"(\s{_SECRET}\s*=\s*)(\"[^\"]*\"?|'[^']*'?)", re.IGNORECASE)


@dataclass(slots=True)
class LoggedRequest:
    """One request, without its headers.

    Attributes:
        moment: when it came, in RFC 3339.
        query: its query's parameters; those of secrets are hidden.
        status: the status of the answer; None: no answer was sent.
        body: the beginning of its body; secrets are hidden when it is shown.
    """

    moment: str
    method: str
    path: str
    query: dict[str, str]
    status: int | None = None
    body: bytes = b""

    def to_document(self, *, with_body: bool) -> dict[str, Any]:
        """The request as the log shows it."""
        shown = {"moment": self.moment, "method": self.method, "path": self.path, "query": self.query}
        return {**shown, "status": self.status, **({"body": _hide_secrets(self.body)} if with_body else {})}


class RequestLog:
    """Keeps the newest requests, in the order in which they came."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=MOST_REQUESTS)

    def follow(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """`receive` and `send` for the application. The log learns the request's body and the answer's status from them."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = {name: _HIDDEN if _SECRET_NAME.fullmatch(name) else value for name, value in query}
        entry = LoggedRequest(rfc3339(now()), scope["method"], scope["path"], shown)
        self._requests.append(entry)

        async def read() -> Message:
            message = await receive()
            if len(entry.body) < MOST_BODY:
                entry.body += message.get("body", b"")[: MOST_BODY - len(entry.body)]
            return message

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        return read, write

    def list(self, *, with_bodies: bool) -> list[dict[str, Any]]:
        """The requests, the oldest first."""
        return [request.to_document(with_body=with_bodies) for request in self._requests]

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()


def _hide_secrets(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith(("{", "[", "<")):
        return _IN_XML.sub(rf'\1"{_HIDDEN}"', _IN_JSON.sub(rf'\1"{_HIDDEN}"', text))
    return unquote_plus(_IN_FORM.sub(rf"\1{_HIDDEN}", text))
