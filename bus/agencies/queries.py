"""Queries: a participant's question goes to the agency's adapter, and what its grant shows of the answer comes back.

Promise: nothing is handed out that no grant covers, that the contract does not describe, or whose disclosure is not on disk.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from bus import clock, json
from bus.agencies.registry import AdapterOff, Agencies
from bus.contracts import Catalogue, ContractVersion, Kind, View, is_bearable, judge_data
from bus.disclosures import Channel, DisclosureLog, make_disclosure
from bus.heavy import Heavy, Here, TooHeavy
from bus.identity import Principal
from bus.kit import AgencyFault, AgencyUnavailable, Does, Operation, Query, Question, QuotaExhausted
from bus.limits import Limit, Limited, Limits, Ration
from bus.problem import Forbidden, NotFound, Refused

log = structlog.get_logger(__name__)

FOUND = "ditemukan"
"""What query contracts call the answer's member that says whether there is anything."""
REMARK = "keterangan"
"""What they call the member that says why there is nothing."""
_SMALL: Final = 32 * 1024
"""Characters and values of an answer that is checked and cut in the event loop."""
_LEVELS: Final = b"254"
"""How deep JSON can be written."""


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


@dataclass(frozen=True, slots=True)
class _Served:
    """The operation that answers a query, with its adapter's name."""

    name: str
    adapter: Query
    operation: Operation


class Queries:
    """Puts questions to agencies. Belongs to one event loop."""

    def __init__(
        self,
        catalogue: Catalogue,
        agencies: Agencies,
        disclosures: DisclosureLog,
        limits: Limits,
        ration: Ration,
        policy: QueryPolicy | None = None,
        heavy: Heavy | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._agencies = agencies
        self._disclosures = disclosures
        self._limits = limits
        self._ration = ration
        self._policy = policy or QueryPolicy()
        self._heavy = heavy or Here()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(self._new_turns)
        self._giving_back: set[asyncio.Task[None]] = set()

    def _new_turns(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self._policy.concurrency)

    async def ask(self, contract: str, question: Any, caller: Principal) -> Any:
        """The answer to a question, as the caller's grant shows it.

        Raises:
            NoSuchContract, NotAQuery: there is no such query in force.
            NotGranted, GrantExpired, AnswerNotGranted: the caller may not have it.
            QuestionInvalid: with a pointer for each thing that is wrong.
            ContractSaysLess: the contract protects the answer less than the agency's adapter asks.
            Limited: the caller's participant has asked this agency as often as it may today.
            TooHeavy: to check the question, or the answer, takes long.
            AdapterOff, AgencyUnavailable, AgencyRefused, QuotaExhausted: the agency gives no answer.
            AnswerInvalid: it gave one that the contract does not describe.
        """
        # In a thread: schemas and views are compiled when they are first asked for.
        version, view = await asyncio.to_thread(self._agreed, contract, question, caller)
        served = self._served(version)
        asked = Question(contract, question, caller.participant, version.contract.shares_cache)
        answer = await self._answered(version, served, asked)
        shown = _cut(view, answer) if json.is_small(answer, _SMALL) else await asyncio.to_thread(_cut, view, answer)
        if _is_personal(version, served) and _tells(answer, shown):
            await self._disclose(version, view, question, caller)
        return shown

    def _agreed(self, contract: str, question: Any, caller: Principal) -> tuple[ContractVersion, View]:
        """The query's version, and the caller's view of its answers; what is raised see `ask`."""
        version = self._catalogue.newest(contract)
        if version.contract.kind is not Kind.QUERY:
            raise NotAQuery(f"{contract} is of kind {version.contract.kind.value}.")
        view = self._catalogue.view(contract, caller.participant, version.id, clock.local_date(clock.now()))
        if not is_bearable(version.validator.work, json.dumps(question)):
            raise TooHeavy(f"To check the question takes longer than others wait. Ask {contract} less at once.")
        if errors := version.validator.errors(question):
            raise QuestionInvalid(f"The question does not fit {contract} {version.contract.version}.", errors=errors)
        version.answer_validator.prepare()
        return version, view

    async def _answered(self, version: ContractVersion, served: _Served, question: Question) -> Mapping[str, Any]:
        name = served.name
        try:
            async with asyncio.timeout(self._policy.seconds), self._turn(question.participant), self._turns[name]:
                answer = await self._asked(served, question)
        except TimeoutError:
            raise AgencyUnavailable(f"{name} did not answer within {self._policy.seconds:.0f} s.") from None
        # Places only: the values are the answer's.
        if places := await self._wrong_places(version, answer, question.participant):
            log.error("query.answer_invalid", contract=question.contract, at=sorted(places))
            raise AnswerInvalid(f"{name} answered what {question.contract} does not describe; tell the operator.")
        return answer

    async def _wrong_places(self, version: ContractVersion, answer: Mapping[str, Any], asker: str) -> set[str]:
        """Pointers of what does not fit in an answer; a large one is checked apart, on the asker's share."""
        try:
            if json.is_small(answer, _SMALL) and is_bearable(version.answer_validator.work, json.dumps(answer)):
                return {error.pointer for error in version.answer_validator.errors(answer)}
            schema, text = await asyncio.to_thread(lambda: (version.shown_text, json.dumps(answer)))
        except TypeError:
            # Not JSON: nested too deep, half a surrogate pair, or an integer of more than 64 bits.
            return {""}
        found = await self._heavy.run(judge_data, schema, text, _LEVELS, who=asker)
        return {pointer for pointer, _ in json.loads(found)}

    @asynccontextmanager
    async def _turn(self, participant: str) -> AsyncIterator[None]:
        """One of the questions that a participant may put at once.

        Raises:
            AtOnce: too many wait.
        """
        allowance = self._limits.get(participant)
        await allowance.wait_for_turn(allowance.questions, Limit.QUESTIONS)
        try:
            yield
        finally:
            allowance.questions.give_back()

    async def _asked(self, served: _Served, question: Question) -> Mapping[str, Any]:
        """The agency's answer to a question that counts as one of the participant's today if the agency counts it.

        Raises:
            Limited: the participant has had those of today.
        """
        policy = self._limits.get(question.participant).policy
        taking = asyncio.create_task(
            asyncio.to_thread(self._ration.take, question.participant, served.name, policy), name="ration"
        )
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on, and its question is never put.
            self._give_back(taking, served, question)
            raise
        try:
            return await _query(served, question)
        except (AgencyUnavailable, QuotaExhausted):
            # The agency's count did not go up.
            await asyncio.shield(self._give_back(taking, served, question))
            raise

    def _give_back(self, taking: asyncio.Task[None], served: _Served, question: Question) -> asyncio.Task[None]:
        """Give back what is being taken, whatever becomes of the request."""

        async def give_back() -> None:
            try:
                await taking
                await asyncio.to_thread(self._ration.give_back, question.participant, served.name)
            except Limited:
                return
            except Refused as refusal:
                log.warning("query.ration_not_given_back", agency=served.name, reason=refusal.slug)

        task = asyncio.create_task(give_back(), name="ration")
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)
        return task

    def _served(self, version: ContractVersion) -> _Served:
        """The operation that serves a query, checked against what its contract says."""
        for use in version.contract.adapters:
            if self._agencies.operation(use.adapter, use.operation, Does.QUERY) is not None:
                self._agencies.check_serves(version.contract, [version.contract], use.adapter, use.operation)
                return _Served(use.adapter, *self._agencies.find_query(use.adapter, use.operation))
        raise AdapterOff(f"No adapter that answers {version.contract.name} is set up on this bus.")

    async def _disclose(self, version: ContractVersion, view: View, question: Any, caller: Principal) -> None:
        person = version.person_of(question)
        disclosure = make_disclosure(version, view, Channel.QUERY, client_id=caller.client_id, person=person)
        await asyncio.to_thread(self._disclosures.record, [disclosure])


async def _query(served: _Served, question: Question) -> Mapping[str, Any]:
    """The adapter's answer.

    Raises:
        AgencyUnavailable: also for an answer that an adapter could not read, and let through as a fault.
    """
    try:
        return await served.adapter.query(served.operation.name, question)
    except AgencyFault as fault:
        raise AgencyUnavailable(f"{served.name} gave no answer that can be read; try again later.") from fault


def _cut(view: View, answer: Mapping[str, Any]) -> Any:
    """What a view shows of an answer.

    Raises:
        AnswerNotGranted: nothing.
    """
    if not view.shows(answer):
        raise AnswerNotGranted(f"The grant of {view.grant.participant} in {view.contract} covers other rows.")
    return view.reduce_data(answer)


def _is_personal(version: ContractVersion, served: _Served) -> bool:
    """Whether an answer leaves a disclosure: the operation knows what it carries, whatever the contract says."""
    return version.is_personal or served.operation.least.is_about_persons


def _tells(answer: Mapping[str, Any], shown: Any) -> bool:
    """Whether an answer tells anything of a person: what an agency calls "not found" may hold data all the same."""
    if answer.get(FOUND) is not False or not isinstance(shown, Mapping):
        return True
    return any(value not in (None, {}, []) for name, value in shown.items() if name not in (FOUND, REMARK))
