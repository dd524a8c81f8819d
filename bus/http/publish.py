"""POST /v1/events in the structured, binary and batch mode of the CloudEvents HTTP binding 1.0.2.

It is a bare ASGI callable, since the framework's handling of a request costs more than the whole gate.
"""

import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError

from bus import json
from bus.contracts import Notice
from bus.http.batches import BatchConflict, Batches, BatchRefused, refuse_conflict
from bus.http.bodies import Bodies, Body
from bus.http.deprecation import deprecation_headers
from bus.http.heads import Head, Mode
from bus.http.negotiation import choose_form, require_form
from bus.http.problems import MEDIA_TYPE, hold_back
from bus.http.rooms import Rooms
from bus.http.unpacking import BodyTooLarge, unpack
from bus.identity import Principal, require
from bus.journal import (
    LARGE,
    EventConflict,
    EventMalformed,
    IncomingEvent,
    Receipt,
    Submission,
    UncheckedEvent,
    check_apart,
    check_media,
    check_text,
    is_deeper,
    parse,
    read_event_apart,
    refuse_depth,
)
from bus.limits import Fields, Limit, Limited
from bus.problem import FieldError, Invalid, Refused
from bus.storage import Answer
from bus.telemetry import REQUESTS, log_accepted, read_trace_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH: Final = "/v1/events"
ACCEPTED_STATUS: Final = 202
"""The status of an event that is committed, and of a batch."""
FORMS: Final = ("application/json",)
"""The form of receipts."""
_SCOPE: Final = "events.publish"
_PARTIAL: Final = TypeAdapter(bool)
_NO_HEADERS: Final = frozenset({"data", "data_base64", "datacontenttype"})
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LARGE: Final = 15
"""Each 32 KiB (two to this power) of a body count as one event more in the publisher's limit."""
_STEPS: Final = 20
"""Values that `r` in `RateLimit` may have on this path: an answer that was rendered before is found again."""


class MediaTypeUnsupported(Refused):
    """The content type belongs to none of CloudEvents' HTTP modes."""

    status = 415
    slug = "media-type-unsupported"


class Response(NamedTuple):
    """What goes back over HTTP."""

    status: int
    fields: Fields
    body: bytes


@lru_cache
def _find_counter(status: int) -> Counter:
    # Cached, since a look-up takes longer than counting.
    return REQUESTS.labels("POST", PATH, str(status))


def count_answer(status: int) -> None:
    """Count one answered request."""
    _find_counter(status).inc()


class Publisher:
    """The endpoint.

    Attributes:
        bodies: counts the bytes of bodies under way.
    """

    def __init__(self, rooms: Rooms, bodies: Bodies) -> None:
        self.bodies = bodies
        self._rooms = rooms
        self._settings = rooms.settings
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
            require_form(head.accept, FORMS)
            partial = _reads_partial(scope["query_string"])
            self._rooms.limits.take(principal.participant, Limit.PUBLISH, 1 + ((head.length or 0) >> _LARGE))
            body_size = Body(self.bodies, principal.participant)
            text = await self._receive(head, receive, body_size)
            if head.length is None:
                self._rooms.limits.get(principal.participant).publish.charge(len(text) >> _LARGE)
            if head.mode is Mode.BATCH:
                response = await self.publish_batch(text, principal, partial=partial)
            else:
                event, body = (
                    await self._read_apart(head, text, principal) if len(text) > LARGE else self.read(head, text)
                )
                submission = await self._admit(event, body, principal, is_large=len(text) > LARGE)
                receipts = await self._rooms.appender.append((submission,))
                response = self.answer(submission, receipts)
                self.log_trace(event, receipts)
        except Limited as limited:
            await hold_back()
            response = self.refuse(limited, principal, event)
        except Refused as refusal:
            response = self.refuse(refusal, principal, event)
        finally:
            if body_size is not None:
                body_size.end()
        count_answer(response.status)
        await send({"type": "http.response.start", "status": response.status, "headers": response.fields})
        await send({"type": "http.response.body", "body": response.body})

    def admit_sender(self, head: Head) -> Principal | None:
        """The sender of a request whose answer waits only for the commit; None for other requests.

        Such a request is a batch of at most the allowed size, or an event that is not large. Its sender may publish, its token
        was verified before, and its limit is not used up. The request is charged to that limit.
        """
        most = self._settings.max_batch_bytes if head.mode is Mode.BATCH else min(LARGE, self._settings.max_event_bytes)
        if head.length is None or head.length > most or choose_form(head.accept, FORMS) is None:
            return None
        principal = self._rooms.tokens.find_known(head.authorization)
        if principal is None or _SCOPE not in principal.scopes:
            return None
        bucket = self._rooms.limits.get(principal.participant).publish
        if bucket.refill(time.monotonic()) < 1:
            return None
        bucket.charge(1 + (head.length >> _LARGE))
        return principal

    # An event's steps, in order: read, admit (or check_apart), append_for, answer. Each may end in `refuse`.

    def read(self, head: Head, text: bytes) -> IncomingEvent:
        """The event in a request in structured or binary mode.

        Raises:
            EventMalformed: the text is no JSON, is nested too deep, or has a member twice.
            NumberChanged: the bus would hand out a number with another value.
            MediaTypeUnsupported: the request is in none of these modes.
        """
        body: bytes | None = None
        if head.mode is Mode.STRUCTURED:
            event = self._parse(text, self._settings.max_depth)
            body = json.dumps(event)
            _check_text(event, text, body)
        elif head.mode is Mode.BINARY:
            event = _read_attributes(head.fields)
            if text:
                # The event around the data is a level too.
                event["data"] = self._parse(text, self._settings.max_depth - 1, "/data")
                _check_text(event, text, json.dumps(event["data"]), "/data")
        else:
            raise _refuse_mode()
        traceparent = _read_traceparent(head)
        if traceparent is not None and type(event) is dict and "traceparent" not in event:
            return {**event, "traceparent": traceparent}, None
        return event, body

    def admit(self, event: Any, body: bytes | None, principal: Principal) -> Submission | UncheckedEvent:
        """The submission that an event becomes; or the unchecked event, for `check_apart`.

        Raises:
            Refused: what `Gate.admit` raises.
        """
        return self._rooms.gate.admit_quickly(event, principal, body)

    async def check_apart(self, event: UncheckedEvent) -> Submission:
        """The submission that an event becomes. Raises what `Gate.admit` raises."""
        return await check_apart(self._rooms.gate, self._rooms.heavy, event)

    def append_for(self, submission: Submission, answer: Answer[list[Receipt]]) -> None:
        """Append, and tell `answer` in the event loop once the commit is on disk."""
        self._rooms.appender.append_for(submission, answer)

    def answer(self, submission: Submission, receipts: Sequence[Receipt]) -> Response:
        """The answer to one event that was appended, or that the journal had already.

        Raises:
            EventConflict: another event has the same source and id.
        """
        (receipt,) = receipts
        if receipt.conflict:
            raise refuse_conflict(EventConflict, "/id")
        body = b'{"position":%d,"duplicate":%b}' % (receipt.position, b"true" if receipt.duplicate else b"false")
        return self._accept(body, submission.participant, (submission.notice,) if submission.notice else ())

    def log_trace(self, event: Any, receipts: Sequence[Receipt]) -> None:
        """Log that an event was appended, if the publisher sent a trace."""
        if "traceparent" in event:
            log_accepted(event["traceparent"], event["type"], receipts[0].position)

    def refuse(self, refusal: Refused, principal: Principal | None, event: Any) -> Response:
        """The answer to a refused request. Records the refusal for the producer and the contract's owner."""
        if not isinstance(refusal, BatchRefused | BatchConflict):
            self._rooms.recorder.note(refusal, principal, refusal.subject if event is None else event)
        return _make_response(refusal.status, json.dumps(refusal.to_document()), MEDIA_TYPE.encode(), refusal.headers)

    async def publish_batch(self, text: bytes, principal: Principal, *, partial: bool) -> Response:
        """The answer to a batch, once its events are appended. Otherwise as `Batches.publish`."""
        appended = await self._batches.publish(text, principal, partial=partial)
        notices = {one.notice for one in appended.submissions if one.notice}
        return self._accept(appended.body, principal.participant, notices)

    def _accept(self, body: bytes, publisher: str, notices: Collection[Notice]) -> Response:
        limits = self._rooms.limits.get(publisher).publish.write_fields(_STEPS)
        headers = deprecation_headers(notices, self._rooms.tokens.issuer) if notices else None
        return _make_response(ACCEPTED_STATUS, body, headers=headers, limits=limits)

    async def _receive(self, head: Head, receive: Receive, size: Body) -> bytes:
        """The text of a request; `size` counts it.

        Raises:
            Refused: the text is too large, too many bytes are under way, or the client went away.
        """
        settings = self._settings
        most = settings.max_batch_bytes if head.mode is Mode.BATCH else settings.max_event_bytes
        if (head.length or 0) > most:
            raise BodyTooLarge(f"At most {most} bytes are taken.")
        receive = unpack(head.coding, receive, most)
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The request ended before its body did.")
            parts.append(bytes(message.get("body", b"")))
            size.grow(len(parts[-1]))
            if size.size > most:
                raise BodyTooLarge(f"At most {most} bytes are taken.")
            more = message.get("more_body", False)
        return b"".join(parts)

    def _parse(self, text: bytes, most: int, prefix: str = "") -> Any:
        """The JSON value, not nested deeper than `most` levels."""
        value = parse(text, prefix)
        if is_deeper(value, text, most):
            raise refuse_depth(most)
        return value

    async def _read_apart(self, head: Head, text: bytes, principal: Principal) -> IncomingEvent:
        if head.mode not in (Mode.STRUCTURED, Mode.BINARY):
            raise _refuse_mode()
        is_data = head.mode is Mode.BINARY
        attributes = _read_attributes(head.fields) if is_data else {}
        traceparent = _read_traceparent(head)
        if traceparent is not None:
            attributes.setdefault("traceparent", traceparent)
        heavy, levels = self._rooms.heavy, self._settings.max_depth
        return await read_event_apart(heavy, text, attributes, levels, principal.participant, is_data=is_data)

    async def _admit(self, event: Any, body: bytes | None, principal: Principal, *, is_large: bool) -> Submission:
        gate = self._rooms.gate
        admitted = gate.identify(event, principal, body) if is_large else gate.admit_quickly(event, principal, body)
        return await self.check_apart(admitted) if isinstance(admitted, UncheckedEvent) else admitted


def _check_text(event: Any, text: bytes, written: bytes, prefix: str = "") -> None:
    """As `check_text`; the refusal knows the event, so that its sender is told of it."""
    try:
        check_text(text, written, prefix)
    except Refused as refusal:
        raise refusal.about(event) from None


def _reads_partial(query: bytes) -> bool:
    """Whether a request takes a batch in part.

    Raises:
        Invalid: the parameter is no boolean.
    """
    if not query:
        return False
    try:
        return _PARTIAL.validate_python(
            dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("partial", "false")
        )
    except ValidationError:
        raise Invalid("`partial` is true or false.", errors=[FieldError("/query/partial", "is no boolean")]) from None


def _read_traceparent(head: Head) -> str | None:
    """The request's trace; None: there is none, or it is malformed (W3C Trace Context, section 4.3)."""
    return head.traceparent if read_trace_id(head.traceparent) is not None else None


def _refuse_mode() -> MediaTypeUnsupported:
    return MediaTypeUnsupported(
        "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers."
    )


def _read_attributes(headers: Mapping[bytes, bytes]) -> dict[str, Any]:
    """The context attributes that `ce-` headers and the content type carry (CloudEvents HTTP binding 1.0.2, section 3.1).

    Raises:
        EventMalformed: a header names no attribute, or cannot be decoded.
        DataNotJson: the content type is not JSON.
    """
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            try:
                event[name[3:].decode("ascii")] = _decode_header(value)
            except ValueError:
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
        if event["datacontenttype"] != "application/json":
            check_media(event)
    return event


def _decode_header(value: bytes) -> str:
    """The text of a header: a quoted text without its quotes, then percent-decoded (section 3.1.3.2).

    Raises:
        ValueError: the header is not ASCII, has a quote or a percent sign out of place, or encodes no UTF-8.
    """
    text = value.decode("ascii")
    if '"' in text:
        quoted = _QUOTED.fullmatch(text)
        if quoted is None:
            raise ValueError("has a quote that encloses nothing")
        text = _ESCAPED.sub(r"\1", quoted[1])
    if "%" not in text:
        return text
    if _NO_ESCAPE.search(text):
        raise ValueError("has a percent sign that encodes nothing")
    return unquote(text, errors="strict")


def _make_response(
    status: int,
    body: bytes,
    media_type: bytes = b"application/json",
    headers: Mapping[str, str] | None = None,
    limits: Fields = (),
) -> Response:
    fields = _make_fields(media_type, len(body), limits)
    if headers:
        fields += tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())
    return Response(status, fields, body)


@lru_cache(1024)
def _make_fields(media_type: bytes, length: int, limits: Fields) -> Fields:
    return ((b"content-type", media_type), (b"content-length", b"%d" % length), *limits)
