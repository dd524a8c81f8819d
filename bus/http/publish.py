"""POST /v1/events: a bare ASGI callable, since the framework's request handling costs more than the whole gate.

Structured, binary and batch mode of the CloudEvents HTTP binding 1.0.2.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from bus import json
from bus.contracts.validation import shown
from bus.contracts.version import Notice
from bus.http.deprecation import deprecation_headers
from bus.http.heads import Head, Mode
from bus.http.problems import MEDIA_TYPE
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal, require
from bus.journal import EventConflict, Receipt, Submission
from bus.journal.gate import EventMalformed
from bus.problem import FieldError, Invalid, Refused
from bus.storage import Answer
from bus.telemetry import accepted, trace_id

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sent = tuple[Any, bytes | None]
"""An event as it came, in CloudEvents' JSON format; and the same as `json.dumps` writes it, where that was done already."""

Admitted = list[tuple[int, Submission]]
"""Events of a batch that passed the gate, by their index in it."""
Rejected = dict[int, Sequence[FieldError]]
"""What is wrong with the others."""

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields of an answer, their names in lower case."""

_SCOPE: Final = "events.publish"
_NO_HEADERS: Final = frozenset({"data", "datacontenttype"})
_MOST_TOLD: Final = 1000
"""After so many errors of a batch, each further event is told one: finding all of them is what takes the time."""


class PayloadTooLarge(Refused):
    """The request is larger than the bus takes."""

    status = 413
    slug = "payload-too-large"


class TooManyEvents(Refused):
    """The batch has more events than the bus takes at once; send it in parts."""

    status = 413
    slug = "too-many-events"


class MediaTypeUnsupported(Refused):
    """The content type is none of CloudEvents' HTTP modes."""

    status = 415
    slug = "media-type-unsupported"


class BatchRefused(Refused):
    """Some events of the batch are refused, so none was stored; mend them or send with ?partial=true."""

    status = 422
    slug = "batch-refused"


class BatchConflict(EventConflict):
    """Some events of the batch have the ids of others that were sent before, so none was stored."""


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
                event, body = self.event(head, text)
                submission = self.admitted(event, body, principal)
                receipts = await self._rooms.appender.append((submission,))
                response = self.accepted(submission, receipts)
                self.trace(event, receipts)
        except Refused as refusal:
            response = self.refused(refusal, principal, event)
        await send({"type": "http.response.start", "status": response.status, "headers": response.fields})
        await send({"type": "http.response.body", "body": response.body})

    def at_hand(self, head: Head) -> Principal | None:
        """The sender of a request that can be answered without waiting for anything but the commit; else None.

        That is one of at most the size that is taken, from somebody whose token was verified before.
        """
        if head.length is None or head.length > self._most(head):
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
            _check_members(text, body)
        elif head.mode is Mode.BINARY:
            document = _binary(head.fields)
            if text:
                document["data"] = self._parsed(text)
                _check_members(text, json.dumps(document["data"]))
        else:
            raise MediaTypeUnsupported(
                "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers."
            )
        # One that is not well formed is ignored, as W3C Trace Context asks (section 4.3).
        if trace_id(head.traceparent) is not None and type(document) is dict and "traceparent" not in document:
            return {**document, "traceparent": head.traceparent}, None
        return document, body

    def admitted(self, event: Any, body: bytes | None, principal: Principal) -> Submission:
        """What is to be appended of what was sent.

        Raises:
            Refused: what the gate says.
        """
        return self._rooms.gate.admit(event, principal, body=body)

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
            raise _conflict(EventConflict, "/id")
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
        value = _loaded(text)
        most = self._settings.max_depth
        if _is_deeper(value, text, most):
            raise _too_deep(most)
        return value

    async def batch(self, text: bytes, principal: Principal, *, partial: bool) -> Response:
        """The answer to a batch, once what it holds is appended.

        Args:
            partial: some of its events may be refused, and the others are stored.

        Raises:
            Refused: what is wrong with it as a whole; without `partial`, also what is wrong with any of its events.
        """
        admitted, rejected = self._judged(text, principal)
        del text
        if rejected and not partial:
            raise _batch_refused(rejected)
        receipts = await self._rooms.appender.append([s for _, s in admitted], atomic=not partial) if admitted else []
        conflicts = {i: s for (i, s), receipt in zip(admitted, receipts, strict=True) if receipt.conflict}
        for submission in conflicts.values():
            self._rooms.recorder.note(_conflict(EventConflict, "/id"), principal, json.loads(submission.body))
        if conflicts and not partial:
            raise _conflict(BatchConflict, *(f"/{index}/id" for index in conflicts))
        rejected |= dict.fromkeys(conflicts, _CONFLICT)
        return self._taken(_batch_answer(receipts, rejected), {s.notice for _, s in admitted if s.notice})

    def _judged(self, text: bytes, principal: Principal) -> tuple[Admitted, Rejected]:
        """What the gate says to a batch, event by event.

        Of the parsed events nothing is left: what waits for the commit keeps their memory from the next batch, whose
        own would come out of no cache.
        """
        documents = _loaded(text)
        if type(documents) is not list:
            raise EventMalformed("A batch is a JSON array of events.", errors=[FieldError("", "must be an array")])
        if len(documents) > self._settings.max_batch_events:
            raise TooManyEvents(f"A batch may have {self._settings.max_batch_events} events.")
        bodies = self._written(documents)
        _check_members(text, b"[%b]" % b",".join(bodies))
        return self._admit(documents, bodies, principal)

    def _written(self, documents: Sequence[Any]) -> list[bytes]:
        """The events of a batch, none nested deeper than allowed with the array around them."""
        most = self._settings.max_depth
        try:
            bodies = [json.dumps(document) for document in documents]
        except TypeError:
            # It writes fewer levels than it reads.
            raise _too_deep(most) from None
        if any(_is_deeper(document, body, most - 1) for document, body in zip(documents, bodies, strict=True)):
            raise _too_deep(most)
        return bodies

    def _admit(
        self, documents: Sequence[Any], bodies: Sequence[bytes], principal: Principal
    ) -> tuple[Admitted, Rejected]:
        admitted: Admitted = []
        rejected: Rejected = {}
        told = 0
        for index, (document, body) in enumerate(zip(documents, bodies, strict=True)):
            try:
                submission = self._rooms.gate.admit(document, principal, body=body, brief=told >= _MOST_TOLD)
                admitted.append((index, submission))
            except Refused as refusal:
                self._rooms.recorder.note(refusal, principal, document)
                rejected[index] = refusal.errors or (FieldError("", refusal.detail),)
                told += len(rejected[index])
        return admitted, rejected


_CONFLICT: Final = (FieldError("/id", "this source already sent another event with this id"),)


def may_publish(principal: Principal) -> None:
    """Let only those pass who may publish at all.

    Raises:
        ScopeMissing: the token does not say so.
    """
    require(principal, _SCOPE)


def _loaded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise EventMalformed("The body is not JSON in UTF-8.", errors=[FieldError("", "is not JSON")]) from None


def _is_deeper(value: Any, text: bytes, most: int) -> bool:
    # As many brackets as levels at least: their number settles nearly every event. `count` takes twice as long to find it.
    brackets = 2 * len(text) - len(text.replace(b"{", b"")) - len(text.replace(b"[", b""))
    return brackets > most and json.is_deeper(value, most)


def _too_deep(most: int) -> EventMalformed:
    return EventMalformed(f"JSON may be nested {most} levels deep.", errors=[FieldError("", "is nested too deep")])


def _check_members(text: bytes, written: bytes) -> None:
    """Refuse an object with two members of one name: the bus would validate one of them, and another reader take the other."""
    if json.repeats(text, written):
        at = shown(json.repeated_at(text) or ())
        raise EventMalformed("An object has each of its members once.", errors=[FieldError(at, "has a member twice")])


def _conflict(kind: type[EventConflict], *pointers: str) -> EventConflict:
    return kind(
        "This source already sent another event with this id.",
        errors=[FieldError(pointer, _CONFLICT[0].detail) for pointer in pointers],
    )


def _batch_refused(rejected: Mapping[int, Sequence[FieldError]]) -> BatchRefused:
    return BatchRefused(
        f"{len(rejected)} events are refused; none was stored.",
        errors=[FieldError(f"/{i}{wrong.pointer}", wrong.detail) for i, errors in rejected.items() for wrong in errors],
    )


def _batch_answer(receipts: Sequence[Receipt], rejected: Mapping[int, Sequence[FieldError]]) -> bytes:
    fresh = sum(not receipt.duplicate for receipt in receipts)
    duplicates = sum(receipt.duplicate and not receipt.conflict for receipt in receipts)
    return json.dumps(
        {
            "accepted": fresh,
            "duplicates": duplicates,
            "last_position": max((receipt.position for receipt in receipts), default=0),
            "rejected": [
                {"index": index, "errors": [{"pointer": wrong.pointer, "detail": wrong.detail} for wrong in errors]}
                for index, errors in sorted(rejected.items())
            ],
        }
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
