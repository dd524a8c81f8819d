"""A declared adapter: to the rest of the bus it is an adapter like one that was written in Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from bus.declared.client import Client
from bus.declared.document import AdapterDocument
from bus.declared.document import Deliver as DeliverOperation
from bus.declared.document import Poll as PollOperation
from bus.declared.document import Push as PushOperation
from bus.declared.document import Query as QueryOperation
from bus.declared.mapper import Found
from bus.declared.pages import map_rows, poll_step
from bus.declared.proof import name_moment, verify
from bus.declared.vault import Vault
from bus.declared.verdict import FAILURES
from bus.kit import (
    DELIVERED,
    AgencyFault,
    Deliver,
    Event,
    Failure,
    Outcome,
    Poll,
    Polled,
    Push,
    PushAnswer,
    PushRequest,
    PushUnreadable,
    Query,
    Question,
    Rows,
    Verdict,
    deliver_one_by_one,
)


class DeclaredAdapter(Deliver, Poll, Query, Push):
    """Speaks to an agency as a document says. Belongs to one event loop."""

    def __init__(self, document: AdapterDocument, client: Client, vault: Vault) -> None:
        self._operations = {operation.name: operation for operation in document.operations}
        self._client = client
        self._vault = vault

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send events, several in a request if the document has a batch."""
        told = self._operations[operation]
        assert isinstance(told, DeliverOperation)  # noqa: S101 - the registry asks for operations by what they do
        if told.batch is None:
            return await deliver_one_by_one(events, lambda event: self._send(told, event))
        return await self._send_batch(told, events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """One step of a list."""
        told = self._operations[operation]
        assert isinstance(told, PollOperation)  # noqa: S101 - the registry asks for operations by what they do
        return await poll_step(self._client, told, cursor)

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """The agency's answer, as the document maps it."""
        told = self._operations[operation]
        assert isinstance(told, QueryOperation)  # noqa: S101 - the registry asks for operations by what they do
        try:
            return await self._ask(told, question.data)
        except AgencyFault as fault:
            raise fault.to_refusal() from None

    def verify(self, operation: str, request: PushRequest) -> bool | None:
        """Whether the agency sent a request, by the proof that the document asks for."""
        return verify(self._find_push(operation), request, self._vault)

    async def receive(self, operation: str, request: PushRequest) -> Rows:
        """The rows of a push, as the document maps them."""
        told = self._find_push(operation)
        judged = await self._client.read(told, request.body or b"")
        if judged.rows is None:
            raise PushUnreadable("The body holds no list of rows, as the adapter's document reads it.")
        rows = await map_rows(self._client, told, judged.rows)
        return Rows(told.source, rows, is_whole=False, moment=name_moment(told, request, self._vault))

    def answer(self, operation: str, verdict: Verdict) -> PushAnswer | None:
        """The document's answer."""
        told = self._find_push(operation)
        replies = {Verdict.ACCEPTED: told.accepted, Verdict.REFUSED: told.refused, Verdict.DENIED: told.denied}
        reply = replies[verdict]
        return None if reply is None else PushAnswer(reply.status, reply.body)

    def _find_push(self, operation: str) -> PushOperation:
        told = self._operations[operation]
        assert isinstance(told, PushOperation)  # noqa: S101 - the registry asks for operations by what they do
        return told

    async def close(self) -> None:
        """Close all connections, and end the workers."""
        await self._client.close()

    async def _send(self, operation: DeliverOperation, event: Event) -> None:
        value = write_event(event)
        response = await self._client.exchange(await self._client.write(operation, value))
        await self._client.judge(operation, response, variables={"event": value})

    async def _send_batch(self, operation: DeliverOperation, events: Sequence[Event]) -> Sequence[Outcome]:
        try:
            return await self._send_together(operation, events)
        except AgencyFault as fault:
            if fault.failure is not Failure.PERMANENT:
                raise
            if len(events) == 1:
                return [fault.to_outcome()]
        # The agency, or the mapping, refuses the whole because of one event. Each event alone shows which one.
        return [outcome for event in events for outcome in await self._send_batch(operation, [event])]

    async def _send_together(self, operation: DeliverOperation, events: Sequence[Event]) -> Sequence[Outcome]:
        assert operation.batch is not None  # noqa: S101 - `deliver` looked
        value = [write_event(event) for event in events]
        response = await self._client.exchange(await self._client.write(operation, value))
        judged = await self._client.judge(
            operation, response, {"results": operation.batch.results}, variables={"events": value}
        )
        return _read_outcomes(self._client.agency, judged.results["results"], len(events))

    async def _ask(self, operation: QueryOperation, question: Mapping[str, Any]) -> Mapping[str, Any]:
        value = dict(question)
        response = await self._client.exchange(await self._client.write(operation, value))
        judged = await self._client.judge(
            operation, response, {"answer": operation.answer}, variables={"question": value}
        )
        answer = judged.results["answer"]
        if not isinstance(answer.value, dict):
            why = "gives no object" if answer.is_there else answer.describe()
            detail = f"the expression for the answer of {self._client.agency} {why}"
            raise AgencyFault(Failure.TRANSIENT, detail, status=response.status_code)
        return answer.value


def write_event(event: Event) -> dict[str, Any]:
    """An event as expressions see it: a CloudEvent, with `reference` for agencies that take no id."""
    return event.to_document() | {"reference": event.reference}


def _read_outcomes(agency: str, found: Found, count: int) -> list[Outcome]:
    """One outcome for each event. All are transient if their number differs: nobody could tell whose they are."""
    entries = found.value if isinstance(found.value, list) else [found.value]
    if len(entries) != count:
        return [Outcome(Failure.TRANSIENT, f"{agency} does not answer for each event")] * count
    return [_read_outcome(agency, entry) for entry in entries]


def _read_outcome(agency: str, entry: Any) -> Outcome:
    told = entry if isinstance(entry, dict) else {}
    if told.get("means") == "success":
        return DELIVERED
    says = told.get("says")
    failure = FAILURES.get(str(told.get("means")), Failure.TRANSIENT)
    return Outcome(failure, f"{agency}: {says[:200] if isinstance(says, str) else 'the event was not taken'}")
