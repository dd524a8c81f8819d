"""POST /v1/events: a bare ASGI callable, since the framework's request handling costs more than the whole gate.

Structured, binary and batch mode of the CloudEvents HTTP binding 1.0.2.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from bus import json
from bus.contracts.version import Notice
from bus.http.apart import LARGE, Apart
from bus.http.batches import BatchConflict, Batches, BatchRefused, conflict
from bus.http.deprecation import deprecation_headers
from bus.http.heads import Head, Mode
from bus.http.problems import MEDIA_TYPE
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal, require
from bus.journal import EventConflict, Receipt, Submission
from bus.journal.checking import EventMalformed, check_members, is_deeper, parsed, too_deep
from bus.journal.gate import Agreed, NeedsTime
from bus.problem import FieldError, Invalid, Refused
from bus.storage import Answer
from bus.telemetry import accepted

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sent = tuple[Any, bytes | None]
"""An event as it came, in CloudEvents' JSON format; and the same as `json.dumps` writes it, where that was done already."""

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields of an answer, their names in lower case."""

_SCOPE: Final = "events.publish"
_NO_HEADERS: Final = frozenset({"data", "datacontenttype"})


class PayloadTooLarge(Refused):
    """The request is larger than the bus takes."""

    status = 413
    slug = "payload-too-large"


class MediaTypeUnsupported(Refused):
    """The content type is none of CloudEvents' HTTP modes."""

    status = 415
    slug = "media-type-unsupported"


class Response(NamedTuple):
    """What goes back over HTTP."""

    status: int
    fields: Fields
    body: bytes


class Publisher:
    """The endpoint, bound to the rooms that it calls."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._settings = rooms.settings
        self._apart = Apart(rooms)
        self._batches = Batches(rooms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        head = Head.of(dict(scope["headers"]))
        principal: Principal | None = None
        event: Any = None
        try:
            principal = await self._rooms.tokens.authenticate(head.authorization)
            may_publish(principal)
            text = await self._body(head, receive)
            if head.mode is Mode.BATCH:
                partial = b"partial=true" in scope["query_string"].split(b"&")
                response = await self.batch(text, principal, partial=partial)
            else:
                if len(text) > LARGE:
                    event, body = await self._read_apart(head, text, principal)
                    submission = await self._apart.admitted(event, body, principal)
                else:
                    event, read = self.event(head, text)
                    submission = await self._admitted_in_time(event, read, principal)
                receipts = await self._rooms.appender.append((submission,))
                response = self.accepted(submission, receipts)
                self.trace(event, receipts)
        except Refused as refusal:
            response = self.refused(refusal, principal, event)
        await send({"type": "http.response.start", "status": response.status, "headers": response.fields})
        await send({"type": "http.response.body", "body": response.body})

    def at_hand(self, head: Head) -> Principal | None:
        """The sender of a request that can be answered without waiting for anything but the commit; else None.

        That is a batch of at most the size that is taken, or an event that is not large, from somebody whose token was verified
        before.
        """
        most = self._settings.max_batch_bytes if head.mode is Mode.BATCH else min(LARGE, self._settings.max_event_bytes)
        if head.length is None or head.length > most:
            return None
        return self._rooms.tokens.known(head.authorization)

    def event(self, head: Head, text: bytes) -> Sent:
        """The event that a request in structured or binary mode holds.

        Raises:
            EventMalformed: it is no JSON, is nested too deep, or has a member twice.
            MediaTypeUnsupported: it is in none of the modes.
        """
        body: bytes | None = None
        if head.mode is Mode.STRUCTURED:
            document = self._parsed(text)
            body = json.dumps(document)
            check_members(text, body)
        elif head.mode is Mode.BINARY:
            document = _binary(head.fields)
            if text:
                document["data"] = self._parsed(text)
                check_members(text, json.dumps(document["data"]))
        else:
            raise _mode_unsupported()
        if head.traceparent is not None and type(document) is dict and "traceparent" not in document:
            return {**document, "traceparent": head.traceparent}, None
        return document, body

    def admitted(self, event: Any, body: bytes | None, principal: Principal) -> Submission:
        """What is to be appended of what was sent.

        Raises:
            Refused: what the gate says.
            NeedsTime: the event loop cannot check it; see `checked`.
        """
        return self._rooms.gate.admit(event, principal, body=body, hurries=True)

    async def checked(self, agreed: Agreed, principal: Principal) -> Submission:
        """What is to be appended of an event that needs time; what is raised see `Gate.admit`."""
        return await self._apart.checked(agreed, principal)

    def append_for(self, submission: Submission, answer: Answer[list[Receipt]]) -> None:
        """Append; `answer` is told in the event loop once the commit is on disk."""
        self._rooms.appender.append_for(submission, answer)

    def accepted(self, submission: Submission, receipts: Sequence[Receipt]) -> Response:
        """The answer to one event that was appended, or that was there already.

        Raises:
            EventConflict: another event has its source and id.
        """
        (receipt,) = receipts
        if receipt.conflict:
            raise conflict(EventConflict, "/id")
        body = b'{"position":%d,"duplicate":%b}' % (receipt.position, b"true" if receipt.duplicate else b"false")
        return self._taken(body, (submission.notice,) if submission.notice else ())

    def trace(self, event: Any, receipts: Sequence[Receipt]) -> None:
        """Log that an event was appended, if its publisher traces it."""
        if "traceparent" in event:
            accepted(event["traceparent"], event["type"], receipts[0].position)

    def refused(self, refusal: Refused, principal: Principal | None, event: Any) -> Response:
        """The problem that a refusal is told as; it is noted for the producer and the contract's owner."""
        if not isinstance(refusal, BatchRefused | BatchConflict):
            self._rooms.recorder.note(refusal, principal, event)
        return _response(refusal.status, json.dumps(refusal.document()), MEDIA_TYPE.encode(), refusal.headers)

    def _taken(self, body: bytes, notices: Collection[Notice]) -> Response:
        return _response(
            202, body, headers=deprecation_headers(notices, self._rooms.tokens.issuer) if notices else None
        )

    def _most(self, head: Head) -> int:
        """The bytes that a body may have."""
        return self._settings.max_batch_bytes if head.mode is Mode.BATCH else self._settings.max_event_bytes

    async def _body(self, head: Head, receive: Receive) -> bytes:
        most = self._most(head)
        if (head.length or 0) > most:
            raise PayloadTooLarge(f"At most {most} bytes are taken.", headers={"connection": "close"})
        message = await receive()
        if not message.get("more_body"):
            return bytes(message.get("body", b""))
        parts, size = [message["body"]], len(message["body"])
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The request ended before its body did.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise PayloadTooLarge(f"At most {most} bytes are taken.", headers={"connection": "close"})
        return b"".join(parts)

    def _parsed(self, text: bytes) -> Any:
        """The JSON value, not nested deeper than allowed."""
        value = parsed(text)
        most = self._settings.max_depth
        if is_deeper(value, text, most):
            raise too_deep(most)
        return value

    async def batch(self, text: bytes, principal: Principal, *, partial: bool) -> Response:
        """The answer to a batch, once what it holds is appended.

        Args:
            partial: some of its events may be refused, and the others are stored.

        Raises:
            Refused: what is wrong with it as a whole; without `partial`, also what is wrong with any of its events.
        """
        taken = await self._batches.take(text, principal, partial=partial)
        return self._taken(taken.body, {one.notice for one in taken.submissions if one.notice})

    async def _read_apart(self, head: Head, text: bytes, principal: Principal) -> tuple[Any, bytes]:
        if head.mode not in (Mode.STRUCTURED, Mode.BINARY):
            raise _mode_unsupported()
        is_data = head.mode is Mode.BINARY
        told = _binary(head.fields) if is_data else {}
        if head.traceparent is not None:
            told.setdefault("traceparent", head.traceparent)
        return await self._apart.read(text, principal, told, is_data=is_data)

    async def _admitted_in_time(self, event: Any, body: bytes | None, principal: Principal) -> Submission:
        try:
            return self.admitted(event, body, principal)
        except NeedsTime as needs:
            return await self.checked(needs.agreed, principal)


def may_publish(principal: Principal) -> None:
    """Let only those pass who may publish at all.

    Raises:
        ScopeMissing: the token does not say so.
    """
    require(principal, _SCOPE)


def _mode_unsupported() -> MediaTypeUnsupported:
    return MediaTypeUnsupported(
        "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers."
    )


def _binary(headers: Mapping[bytes, bytes]) -> dict[str, Any]:
    """The context attributes that `ce-` headers carry (percent-encoded, CloudEvents HTTP binding 3.1.3.2)."""
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            try:
                event[name[3:].decode("ascii")] = unquote(value.decode("ascii"), errors="strict")
            except UnicodeDecodeError:
                raise EventMalformed(
                    "Headers of an event are percent-encoded UTF-8.",
                    errors=[FieldError(f"/{name[3:].decode('ascii', 'replace')}", "is not percent-encoded UTF-8")],
                ) from None
    for attribute in _NO_HEADERS.intersection(event):
        raise EventMalformed(
            "Data are the body, and their media type is the content type (CloudEvents HTTP binding 3.1).",
            errors=[FieldError(f"/{attribute}", "must not be a header of its own")],
        )
    if b"content-type" in headers:
        event["datacontenttype"] = headers[b"content-type"].decode("latin-1")
    return event


def _response(
    status: int, body: bytes, media_type: bytes = b"application/json", headers: Mapping[str, str] | None = None
) -> Response:
    fields = _fields(media_type, len(body))
    if headers:
        fields += tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())
    return Response(status, fields, body)


@lru_cache(1024)
def _fields(media_type: bytes, length: int) -> Fields:
    return ((b"content-type", media_type), (b"content-length", b"%d" % length))
