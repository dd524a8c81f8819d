"""A plain publishing request: it is judged when its last byte is there, and answered when its commit is told.

It needs no task, no ASGI scope and no messages between them: together they cost more than the gate.
"""

from collections.abc import Coroutine
from typing import Any, Protocol

import structlog

from bus import json
from bus.http.bodies import Body
from bus.http.front_door import answers
from bus.http.heads import Head, Mode
from bus.http.publish import ACCEPTED_STATUS, Publisher, Response, count_answer
from bus.identity import Principal
from bus.journal import Receipt, Submission, UncheckedEvent
from bus.problem import Refused
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)


class Line(Protocol):
    """What a publication needs of its connection."""

    @property
    def is_gone(self) -> bool:
        """Whether nothing can reach the client any more."""
        ...

    @property
    def must_end(self) -> bool:
        """Whether the connection must end with this answer."""
        ...

    @property
    def fields(self) -> bytes:
        """Header fields that every answer has, as bytes."""
        ...

    def respond(self, text: bytes, *, ends: bool) -> None:
        """Write a whole answer. Then the connection goes on to the next request, or ends."""
        ...

    def begin(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer in a task, which a server that stops waits for."""
        ...


class Publication:
    """A publishing request under way. For the group commit, it is the waiter for the receipt."""

    __slots__ = (
        "_body", "_event", "_is_answered", "_is_whole", "_line", "_parts", "_principal", "_publisher", "_rendered",
        "_submission", "head",
    )  # fmt: skip

    def __init__(self, line: Line, publisher: Publisher, principal: Principal, head: Head) -> None:
        self._line = line
        self._publisher = publisher
        self._principal = principal
        self._event: Any = None
        self._submission: Submission | None = None
        self._rendered: bytes | None = None
        self._body: Body | None = None
        self._parts: list[bytes] = []
        self._is_whole = False
        self._is_answered = False
        self.head = head

    # What the connection calls.

    def take(self, piece: bytes) -> None:
        """Keep a part of the body. A body in several parts counts in its participant's bound."""
        if self._is_answered:
            return
        if self._body is None:
            self._body = Body(self._publisher.bodies, self._principal.participant)
        try:
            self._body.grow(len(piece))
        except Refused as refusal:
            self.fail(refusal)
        else:
            self._parts.append(piece)

    def whole(self) -> None:
        """Note that the body is complete."""
        if not self._is_answered:
            parts, self._parts = self._parts, []
            self.publish(b"".join(parts))

    def gone(self) -> None:
        """Note that the client is gone. An event that came whole is still stored."""
        if not self._is_whole:
            self._end()

    def fail(self, refusal: Refused) -> None:
        """Answer with a refusal, if nothing was answered yet."""
        if not self._is_answered:
            self._respond(answers.problem(refusal))

    def publish(self, text: bytes) -> None:
        """Publish the body. The publication itself keeps no reference to the text."""
        self._is_whole = True
        try:
            if self.head.mode is Mode.BATCH:
                self._line.begin(self._publish_batch(text))
                return
            self._event, body = self._publisher.read(self.head, text)
            admitted = self._publisher.admit(self._event, body, self._principal)
            if isinstance(admitted, UncheckedEvent):
                self._line.begin(self._publish_apart(admitted))
            else:
                self._append(admitted)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)

    def _append(self, submission: Submission) -> None:
        self._submission = submission
        self._publisher.append_for(submission, self)
        if "traceparent" not in self._event:
            # Free its memory, which is in the processor's caches, for the next request.
            self._event = None

    async def _publish_apart(self, event: UncheckedEvent) -> None:
        try:
            self._append(await self._publisher.check_apart(event))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)

    async def _publish_batch(self, text: bytes) -> None:
        try:
            response = await self._publisher.publish_batch(text, self._principal, partial=False)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)
        else:
            self._respond(response)

    # What the group commit calls.

    def done(self) -> bool:
        """Whether the request is answered."""
        return self._is_answered

    def foresee(self, receipts: list[Receipt], /) -> None:
        """Prepare the answer, which is written once the commit is on disk."""
        if not receipts[0].conflict and not self._line.must_end:
            self._rendered = self._answer(receipts)

    def set_result(self, receipts: list[Receipt], /) -> None:
        """Answer: the event is committed."""
        try:
            # If the server began to stop meanwhile, the connection must end with this answer.
            text = self._rendered if self._rendered and not self._line.must_end else self._answer(receipts)
            if self._event is not None:
                self._publisher.log_trace(self._event, receipts)
        except Exception as error:  # noqa: BLE001 - others of the same group wait for their answers
            self.set_exception(error)
        else:
            self._write(ACCEPTED_STATUS, text, ends=self._line.must_end)

    def set_exception(self, error: Exception, /) -> None:
        """Answer: the event is refused, or was not committed."""
        if isinstance(error, Refused):
            self._respond(self._publisher.refuse(error, self._principal, self._sent()))
            return
        UNEXPECTED.labels("publish").inc()
        log.error("publish.failed", exc_info=error)
        text = answers.render(answers.UNEXPECTED, self._line.fields, ends=True)
        self._write(answers.UNEXPECTED.status, text, ends=True)

    def _answer(self, receipts: list[Receipt]) -> bytes:
        assert self._submission is not None  # noqa: S101 - it is what was appended
        response = self._publisher.answer(self._submission, receipts)
        return answers.render(response, self._line.fields, ends=self._line.must_end)

    def _sent(self) -> Any:
        """The event, if it was parsed already."""
        if self._event is None and self._submission is not None:
            return json.loads(self._submission.body)
        return self._event

    def _respond(self, response: Response) -> None:
        ends = self._line.must_end or not self._is_whole
        self._write(response.status, answers.render(response, self._line.fields, ends=ends), ends=ends)

    def _write(self, status: int, text: bytes, *, ends: bool) -> None:
        count_answer(status)
        self._end()
        if not self._line.is_gone:
            self._line.respond(text, ends=ends)

    def _end(self) -> None:
        self._is_answered = True
        self._parts = []
        if self._body is not None:
            self._body.end()
