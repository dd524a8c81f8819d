"""POST /v1/events: a bare ASGI callable, since the framework's request handling costs more than the whole gate.

Structured, binary and batch mode of the CloudEvents HTTP binding 1.0.2.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from bus import json
from bus.contracts.version import Notice
from bus.http.apart import LARGE, Apart
from bus.http.batches import BatchConflict, Batches, BatchRefused, conflict
from bus.http.bodies import Bodies, Body
from bus.http.deprecation import deprecation_headers
from bus.http.heads import Head, Mode
from bus.http.problems import MEDIA_TYPE, hold_back
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal, require
from bus.journal import EventConflict, Receipt, Submission
from bus.journal.checking import EventMalformed, check_members, is_deeper, parsed, too_deep
from bus.journal.gate import Agreed, NeedsTime
from bus.limits import Fields, Limit, Limited
from bus.problem import FieldError, Invalid, Refused
from bus.storage import Answer
from bus.telemetry import accepted, trace_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sent = tuple[Any, bytes | None]
"""An event as it came, in CloudEvents' JSON format; and the same as `json.dumps` writes it, where that was done already."""

_SCOPE: Final = "events.publish"
_NO_HEADERS: Final = frozenset({"data", "datacontenttype"})
_LARGE: Final = 15
"""Each 32 KiB (two to this power) of a body cost its publisher's limit one event more."""
_STEPS: Final = 20
"""Values that `r` in `RateLimit` may have on this path: an answer that was rendered before is found again."""


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
    """The endpoint, bound to the rooms that it calls.

    Attributes:
        bodies: counts the bytes of bodies under way.
    """

    def __init__(self, rooms: Rooms, bodies: Bodies) -> None:
        self.bodies = bodies
        self._rooms = rooms
        self._settings = rooms.settings
        self._apart = Apart(rooms)
        self._batches = Batches(rooms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        head = Head.of(dict(scope["headers"]))
        principal: Principal | None = None
        event: Any = None
        body_size: Body | None = None
        try:
            principal = await self._rooms.tokens.authenticate(head.authorization)
            require(principal, _SCOPE)
            self._rooms.limits.take(principal.participant, Limit.PUBLISH, 1 + ((head.length or 0) >> _LARGE))
            body_size = Body(self.bodies, principal.participant)
            text = await self._body(head, receive, body_size)
            if head.length is None:
                self._rooms.limits.of(principal.participant).publish.charge(len(text) >> _LARGE)
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
        except Limited as limited:
            await hold_back()
            response = self.refused(limited, principal, event)
        except Refused as refusal:
            response = self.refused(refusal, principal, event)
        finally:
            if body_size is not None:
                body_size.end()
        await send({"type": "http.response.start", "status": response.status, "headers": response.fields})
        await send({"type": "http.response.body", "body": response.body})

    def at_hand(self, head: Head) -> Principal | None:
        """The sender of a request that can be answered without waiting for anything but the commit; else None.

        That is a batch of at most the size that is taken, or an event that is not large, from somebody who may publish, by a
        token that was verified before, and whose limit leaves something. It is charged to that limit.
        """
        most = self._settings.max_batch_bytes if head.mode is Mode.BATCH else min(LARGE, self._settings.max_event_bytes)
        if head.length is None or head.length > most:
            return None
        principal = self._rooms.tokens.known(head.authorization)
        if principal is None or _SCOPE not in principal.scopes:
            return None
        bucket = self._rooms.limits.of(principal.participant).publish
        if bucket.left(time.monotonic()) < 1:
            return None
        bucket.charge(1 + (head.length >> _LARGE))
        return principal

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
        traceparent = _traceparent(head)
        if traceparent is not None and type(document) is dict and "traceparent" not in document:
            return {**document, "traceparent": traceparent}, None
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
        return self._taken(body, submission.participant, (submission.notice,) if submission.notice else ())

    def trace(self, event: Any, receipts: Sequence[Receipt]) -> None:
        """Log that an event was appended, if its publisher traces it."""
        if "traceparent" in event:
            accepted(event["traceparent"], event["type"], receipts[0].position)

    def refused(self, refusal: Refused, principal: Principal | None, event: Any) -> Response:
        """The problem that a refusal is told as; it is noted for the producer and the contract's owner."""
        if not isinstance(refusal, BatchRefused | BatchConflict):
            self._rooms.recorder.note(refusal, principal, event)
        return _response(refusal.status, json.dumps(refusal.document()), MEDIA_TYPE.encode(), refusal.headers)

    def _taken(self, body: bytes, publisher: str, notices: Collection[Notice]) -> Response:
        limits = self._rooms.limits.of(publisher).publish.fields(_STEPS)
        headers = deprecation_headers(notices, self._rooms.tokens.issuer) if notices else None
        return _response(202, body, headers=headers, limits=limits)

    def _most(self, head: Head) -> int:
        """The bytes that a body may have."""
        return self._settings.max_batch_bytes if head.mode is Mode.BATCH else self._settings.max_event_bytes

    async def _body(self, head: Head, receive: Receive, size: Body) -> bytes:
        """The body; `size` counts it.

        Raises:
            Refused: it is too large, too many bytes are under way, or the client went away.
        """
        most = self._most(head)
        if (head.length or 0) > most:
            raise PayloadTooLarge(f"At most {most} bytes are taken.")
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The request ended before its body did.")
            parts.append(bytes(message.get("body", b"")))
            size.grow(len(parts[-1]))
            if size.size > most:
                raise PayloadTooLarge(f"At most {most} bytes are taken.")
            more = message.get("more_body", False)
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
        return self._taken(taken.body, principal.participant, {one.notice for one in taken.submissions if one.notice})

    async def _read_apart(self, head: Head, text: bytes, principal: Principal) -> tuple[Any, bytes]:
        if head.mode not in (Mode.STRUCTURED, Mode.BINARY):
            raise _mode_unsupported()
        is_data = head.mode is Mode.BINARY
        told = _binary(head.fields) if is_data else {}
        traceparent = _traceparent(head)
        if traceparent is not None:
            told.setdefault("traceparent", traceparent)
        return await self._apart.read(text, principal, told, is_data=is_data)

    async def _admitted_in_time(self, event: Any, body: bytes | None, principal: Principal) -> Submission:
        try:
            return self.admitted(event, body, principal)
        except NeedsTime as needs:
            return await self.checked(needs.agreed, principal)


def _traceparent(head: Head) -> str | None:
    """The request's trace; None also where it is not well formed, as W3C Trace Context asks (section 4.3)."""
    return head.traceparent if trace_id(head.traceparent) is not None else None


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
    status: int,
    body: bytes,
    media_type: bytes = b"application/json",
    headers: Mapping[str, str] | None = None,
    limits: Fields = (),
) -> Response:
    fields = _fields(media_type, len(body), limits)
    if headers:
        fields += tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())
    return Response(status, fields, body)


@lru_cache(1024)
def _fields(media_type: bytes, length: int, limits: Fields) -> Fields:
    return ((b"content-type", media_type), (b"content-length", b"%d" % length), *limits)
