"""Queries: a participant's question goes to the agency's adapter, and what its grant shows of the answer comes back.

Promise: nothing is handed out that no grant covers, that the contract does not describe, or whose disclosure is not on disk.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bus import clock
from bus.adapter import Adapter, AgencyUnavailable, Does, Question
from bus.agencies.registry import AdapterOff, Agencies
from bus.audit.disclose import of_grant
from bus.audit.log import Channel, DisclosureLog
from bus.contracts.catalogue import Catalogue, ContractVersion
from bus.contracts.document import Kind
from bus.contracts.view import View
from bus.identity.tokens import Principal
from bus.problem import Forbidden, NotFound, Refused

log = structlog.get_logger(__name__)

FOUND = "ditemukan"
"""What query contracts call the answer's member that says whether there is anything: false discloses nothing."""


class NotAQuery(NotFound):
    """This contract is no query; read its feed or its records."""

    slug = "not-a-query"


class QuestionInvalid(Refused):
    """The question does not fit the contract's schema."""

    status = 422
    slug = "question-invalid"


class AnswerInvalid(Refused):
    """The agency's answer does not fit the contract; nothing of it is handed out."""

    status = 502
    slug = "answer-invalid"


class AnswerNotGranted(Forbidden):
    """Your grant does not cover what was answered."""

    slug = "answer-not-granted"


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """How agencies are asked.

    Attributes:
        seconds: the most that a question may take, waiting for its turn included.
        concurrency: questions that one adapter is asked at once.
    """

    seconds: float = 30.0
    concurrency: int = 8


class Queries:
    """Puts questions to agencies. Belongs to one event loop."""

    def __init__(
        self, catalogue: Catalogue, agencies: Agencies, disclosures: DisclosureLog, policy: QueryPolicy | None = None
    ) -> None:
        self._catalogue = catalogue
        self._agencies = agencies
        self._disclosures = disclosures
        self._policy = policy or QueryPolicy()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(self._new_turns)

    def _new_turns(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self._policy.concurrency)

    async def ask(self, contract: str, question: Any, caller: Principal) -> Any:
        """The answer to a question, as the caller's grant shows it.

        Raises:
            NoSuchContract, NotAQuery: there is no such query in force.
            NotGranted, GrantExpired, AnswerNotGranted: the caller may not have it.
            QuestionInvalid: with a pointer for each thing that is wrong.
            AdapterOff, AgencyUnavailable, AgencyRefused, QuotaExhausted: the agency gives no answer.
            AnswerInvalid: it gave one that the contract does not describe.
        """
        version = self._catalogue.newest(contract)
        if version.contract.kind is not Kind.QUERY:
            raise NotAQuery(f"{contract} is of kind {version.contract.kind.value}.")
        view = self._catalogue.view(contract, caller.participant, version.id, clock.local_date(clock.now()))
        if errors := version.validator.errors(question):
            raise QuestionInvalid(f"The question does not fit {contract} {version.contract.version}.", errors=errors)
        asked = Question(contract, question, caller.participant, version.contract.shares_cache)
        answer = await self._answered(version, asked)
        if not view.shows(answer):
            raise AnswerNotGranted(f"The grant of {caller.participant} in {contract} covers other rows.")
        await self._disclose(version, view, question, answer, caller)
        return view.reduce_data(answer)

    async def _answered(self, version: ContractVersion, question: Question) -> Mapping[str, Any]:
        name, adapter, operation = self._adapter(version)
        try:
            async with asyncio.timeout(self._policy.seconds), self._turns[name]:
                answer = await adapter.query(operation, question)
        except TimeoutError:
            raise AgencyUnavailable(f"{name} did not answer within {self._policy.seconds:.0f} s.") from None
        # Places only: the values are the answer's.
        if errors := version.answer_validator.errors(answer):
            log.error("query.answer_invalid", contract=question.contract, at=sorted({e.pointer for e in errors}))
            raise AnswerInvalid(f"{name} answered what {question.contract} does not describe; tell the operator.")
        return answer

    def _adapter(self, version: ContractVersion) -> tuple[str, Adapter, str]:
        """The adapter that serves a query, with its name and the operation."""
        for use in version.contract.adapters:
            operation = self._agencies.operation(use.adapter, use.operation)
            if operation is not None and operation.does is Does.QUERY:
                return use.adapter, self._agencies.serving(use.adapter, use.operation)[0], use.operation
        raise AdapterOff(f"No adapter that answers {version.contract.name} is set up on this bus.")

    async def _disclose(
        self, version: ContractVersion, view: View, question: Any, answer: Mapping[str, Any], caller: Principal
    ) -> None:
        if not version.is_personal or answer.get(FOUND) is False:
            return
        person = version.person_of(question)
        disclosure = of_grant(version, view, Channel.QUERY, client_id=caller.client_id, person=person)
        await asyncio.to_thread(self._disclosures.record, [disclosure])
