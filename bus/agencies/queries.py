"""Queries: asks an agency's adapter, and answers the participant with the fields that its grant shows.

Promise: an answer leaves only if a grant covers it, the contract describes it, and its disclosure is on disk.
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
from bus.agencies.unfit import leave_out
from bus.contracts import (
    Catalogue,
    ContractVersion,
    Kind,
    View,
    Visibility,
    has_property,
    is_bearable,
    judge_data,
    spell_identifier,
)
from bus.disclosures import Channel, DisclosureLog, make_disclosure
from bus.heavy import Heavy, Here, TooHeavy
from bus.identity import Principal
from bus.kit import (
    AgencyFault,
    AgencyUnavailable,
    Does,
    Operation,
    Query,
    Question,
    QuotaExhausted,
    add_unfit,
    hide_unfit,
)
from bus.limits import Limit, Limited, Limits, Ration
from bus.problem import Forbidden, NotFound, Refused

log = structlog.get_logger(__name__)

FOUND = "ditemukan"
"""The member of an answer that says whether the agency found anything."""
REMARK = "keterangan"
"""The member of an answer that says why the agency found nothing."""
_SMALL: Final = 32 * 1024
"""Most characters and values of an answer that the event loop checks and cuts itself."""
_MOST_PERSONS: Final = 1_000
"""Identifiers of persons in a question with its answer: each has an entry of its own in the disclosure log."""
_MOST_ROUNDS: Final = 20
"""Most times that the bus leaves elements out of one answer, and checks the rest."""
_LEVELS: Final = b"254"
"""Most levels of JSON that the bus can write."""


class NotAQuery(NotFound):
    """This contract is not a query; read its feed or its records."""

    slug = "not-a-query"


class QuestionInvalid(Refused):
    """The question does not fit the contract's schema."""

    status = 422
    slug = "question-invalid"


class AnswerInvalid(Refused):
    """The agency's answer does not fit the contract; the bus holds it back."""

    status = 502
    slug = "answer-invalid"


class AnswerTooWide(Refused):
    """The answer names more persons than the disclosure log takes at once; ask for less."""

    status = 422
    slug = "answer-too-wide"


class AnswerNotGranted(Forbidden):
    """Your grant does not cover this answer."""

    slug = "answer-not-granted"


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """How the bus asks agencies.

    Attributes:
        seconds: most seconds for one question, with the time in which it waits for its turn.
        concurrency: most questions to one adapter at once.
    """

    seconds: float = 30.0
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class _Served:
    """The operation that answers a query, with its adapter and the adapter's name."""

    name: str
    adapter: Query
    operation: Operation


class Queries:
    """Asks agencies questions. Belongs to one event loop."""

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
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(self._make_turns)
        self._giving_back: set[asyncio.Task[None]] = set()

    def _make_turns(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self._policy.concurrency)

    async def ask(self, contract: str, question: Any, caller: Principal) -> Any:
        """The answer to a question, as the caller's grant shows it.

        Raises:
            NoSuchContract, NotAQuery: no query of this name is in force.
            GrantSuspended, NotGranted, GrantExpired, AnswerNotGranted: no grant of the caller covers the answer.
            QuestionInvalid: the question does not fit the schema; each error has a pointer.
            ContractSaysLess: the contract protects the answer less than the adapter's operation demands.
            Limited: the caller's participant used up today's questions to this agency.
            TooHeavy: the check of the question or the answer takes too long.
            AdapterOff, AgencyUnavailable, AgencyRefused, QuotaExhausted: the agency gives no answer.
            AnswerTooWide: the answer names too many persons to be disclosed.
            AnswerInvalid: the contract does not describe the agency's answer.
        """
        # In a thread, since the first use of a schema or a view compiles it.
        version = await asyncio.to_thread(self._check_agreement, contract, question, caller)
        served = self._find_served(version)
        asked = Question(contract, question, caller.participant, version.contract.shares_cache)
        answer = await self._get_answer(version, served, asked)
        # Again: the agency takes seconds, in which a grant may end.
        view = await self._find_view(version, caller)
        shown = _cut(view, answer) if json.is_small(answer, _SMALL) else await asyncio.to_thread(_cut, view, answer)
        if _is_personal(version, served) and _tells_of_person(answer, shown):
            await asyncio.to_thread(self._disclose, version, view, (question, answer), caller)
        return shown

    def _check_agreement(self, contract: str, question: Any, caller: Principal) -> ContractVersion:
        """The query's newest version, if the caller may ask this question. Raises as `ask` does."""
        version = self._catalogue.newest(contract)
        if version.contract.kind is not Kind.QUERY:
            raise NotAQuery(f"{contract} is of kind {version.contract.kind.value}.")
        self._view(version, caller)
        if not is_bearable(version.validator.work, json.dumps(question)):
            raise TooHeavy(f"The check of this question takes too long. Ask {contract} with a smaller question.")
        if errors := version.validator.errors(question):
            raise QuestionInvalid(f"The question does not fit {contract} {version.contract.version}.", errors=errors)
        version.answer_validator.prepare()
        return version

    def check_grant(self, contract: str, caller: Principal) -> None:
        """Refuse a caller that has no grant in a query any more.

        Raises:
            NoSuchContract: no query of this name is in force.
            GrantSuspended, NotGranted, GrantExpired: no grant of the caller shows anything.
        """
        self._view(self._catalogue.newest(contract), caller)

    async def _find_view(self, version: ContractVersion, caller: Principal) -> View:
        """The caller's view of answers now. Raises what `check_grant` raises."""
        if self._catalogue.has_view(caller.participant, version.id):
            return self._view(version, caller)
        return await asyncio.to_thread(self._view, version, caller)

    def _view(self, version: ContractVersion, caller: Principal) -> View:
        today = clock.local_date(clock.now())
        return self._catalogue.view(version.contract.name, caller.participant, version.id, today)

    async def _get_answer(self, version: ContractVersion, served: _Served, question: Question) -> Mapping[str, Any]:
        name = served.name
        try:
            async with asyncio.timeout(self._policy.seconds), self._take_turn(question.participant), self._turns[name]:
                answer = await self._ask_within_ration(served, question)
        except TimeoutError:
            raise AgencyUnavailable(f"{name} did not answer within {self._policy.seconds:.0f} s.") from None
        return await self._fit_answer(version, answer, question, name)

    async def _fit_answer(
        self, version: ContractVersion, answer: Mapping[str, Any], question: Question, name: str
    ) -> Mapping[str, Any]:
        """The answer without the elements that the contract does not allow; the answer's remark names them.

        Raises:
            AnswerInvalid: the answer is unfit as a whole, or its contract has no remark.
        """
        unfit: set[str] = set()
        places: set[str] = set()
        for _ in range(_MOST_ROUNDS):
            places = await self._find_wrong_places(version, answer, question.participant)
            if not places:
                break
            rest = await _leave_out(answer, places) if has_property(version.contract.shown, f"/{REMARK}") else None
            if rest is None or (FOUND in answer and FOUND not in rest[0]):
                break
            unfit.update(rest[1])
            answer = {**rest[0], REMARK: add_unfit(str(rest[0].get(REMARK, "")), rest[1])}
        # The log gets pointers only, since the values are personal data.
        if places:
            log.error("query.answer_invalid", contract=question.contract, at=sorted(places))
            raise AnswerInvalid(f"The answer of {name} does not fit {question.contract}; tell the operator.")
        if unfit:
            log.warning("query.elements_unfit", contract=question.contract, at=sorted(unfit))
        return answer

    async def _find_wrong_places(self, version: ContractVersion, answer: Mapping[str, Any], asker: str) -> set[str]:
        """Pointers of the errors in an answer. A worker process checks a large answer, on the asker's share."""
        try:
            if json.is_small(answer, _SMALL) and is_bearable(version.answer_validator.work, json.dumps(answer)):
                return {error.pointer for error in version.answer_validator.errors(answer)}
            schema, text = await asyncio.to_thread(lambda: (version.shown_text, json.dumps(answer)))
        except TypeError:
            # No JSON can hold it: too many levels, half a surrogate pair, or a number that JSON would change.
            place = json.decimal_at(answer)
            return {"" if place is None else json.to_pointer(place)}
        found = await self._heavy.run(judge_data, schema, text, _LEVELS, who=asker)
        return {pointer for pointer, _ in json.loads(found)}

    @asynccontextmanager
    async def _take_turn(self, participant: str) -> AsyncIterator[None]:
        """Hold one of the participant's places for questions at the same time.

        Raises:
            AtOnce: too many of the participant's questions wait.
        """
        allowance = self._limits.get(participant)
        await allowance.wait_for_turn(allowance.questions, Limit.QUESTIONS)
        try:
            yield
        finally:
            allowance.questions.give_back()

    async def _ask_within_ration(self, served: _Served, question: Question) -> Mapping[str, Any]:
        """The agency's answer. The question counts in the participant's ration of today if the agency counts it.

        Raises:
            Limited: the participant used up its ration of today.
            Refused: as the adapter says.
        """
        policy = self._limits.get(question.participant).policy
        taking = asyncio.create_task(
            asyncio.to_thread(self._ration.take, question.participant, served.name, policy), name="ration"
        )
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on and takes a question from the ration, but nobody will ask it.
            self._give_back(taking, served, question)
            raise
        try:
            return await _ask_adapter(served, question)
        except (AgencyUnavailable, QuotaExhausted):
            # The agency did not count this question.
            await asyncio.shield(self._give_back(taking, served, question))
            raise

    def _give_back(self, taking: asyncio.Task[None], served: _Served, question: Question) -> asyncio.Task[None]:
        """Give the question back to the ration once it is taken, even if the request ends before."""

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

    def _find_served(self, version: ContractVersion) -> _Served:
        """The operation that answers a query.

        Raises:
            AdapterOff: no adapter that the contract names has its settings.
            ContractSaysLess: the contract protects the answer less than the operation demands.
        """
        for use in version.contract.adapters:
            if self._agencies.find_operation(use.adapter, use.operation, Does.QUERY) is not None:
                self._agencies.check_serves(version.contract, [version.contract], use.adapter, use.operation)
                return _Served(use.adapter, *self._agencies.find_query(use.adapter, use.operation))
        why = [
            self._agencies.explain_off(name) for name in dict.fromkeys(use.adapter for use in version.contract.adapters)
        ]
        raise AdapterOff(f"No adapter answers {version.contract.name}. {' '.join(why)}".rstrip())

    def _disclose(self, version: ContractVersion, view: View, told: tuple[Any, Any], caller: Principal) -> None:
        """Record that an answer, told with its question, goes to the caller; `_persons` says what is raised."""
        persons = _persons(version, *told)
        disclosures = [
            make_disclosure(version, view, Channel.QUERY, client_id=caller.client_id, person=person)
            for person in persons
        ]
        self._disclosures.record(disclosures)


def _persons(version: ContractVersion, question: Any, answer: Any) -> list[str | None]:
    """Whom an answer tells of: everybody whom the question or the answer names. [None]: neither names anybody.

    Raises:
        AnswerTooWide: those are too many.
    """
    asked = version.person_of(question)
    found = set() if asked is None else set(spell_identifier(asked))
    for finder, data in ((version.data_persons, question), (version.answer_persons, answer)):
        if finder is not None:
            found.update(finder.find(data, _MOST_PERSONS))
    persons = sorted(found)
    if len(persons) > _MOST_PERSONS:
        raise AnswerTooWide(f"The answer names more than {_MOST_PERSONS} persons; ask for less.")
    return [*persons] or [None]


async def _ask_adapter(served: _Served, question: Question) -> Mapping[str, Any]:
    """The adapter's answer.

    Raises:
        AgencyUnavailable, AgencyRefused: the adapter raised an `AgencyFault`.
        Refused: as the adapter says.
    """
    try:
        return await served.adapter.query(served.operation.name, question)
    except AgencyFault as fault:
        raise fault.to_refusal() from fault


async def _leave_out(answer: Mapping[str, Any], places: set[str]) -> tuple[dict[str, Any], list[str]] | None:
    if json.is_small(answer, _SMALL):
        return leave_out(answer, places)
    return await asyncio.to_thread(leave_out, answer, places)


def _cut(view: View, answer: Mapping[str, Any]) -> Any:
    """The fields of an answer that a view shows.

    Raises:
        AnswerNotGranted: the grant's row filter does not cover the answer.
    """
    if not view.shows(answer):
        raise AnswerNotGranted(f"The grant of {view.grant.participant} in {view.contract} covers other rows.")
    if isinstance(remark := answer.get(REMARK), str):
        # Whether an element is unfit tells something about it, so the remark names only elements that the view shows.
        told = hide_unfit(remark, lambda pointer: view.visibility(pointer) is not Visibility.HIDDEN)
        answer = {name: value for name, value in answer.items() if name != REMARK} | ({REMARK: told} if told else {})
    return view.reduce_data(answer)


def _is_personal(version: ContractVersion, served: _Served) -> bool:
    """Whether the bus writes a disclosure. The operation's classification counts, whatever the contract says."""
    return version.is_personal or served.operation.least.is_about_persons


def _tells_of_person(answer: Mapping[str, Any], shown: Any) -> bool:
    """Whether the shown fields hold data of a person. An answer of "not found" may hold some as well."""
    if answer.get(FOUND) is not False or not isinstance(shown, Mapping):
        return True
    return any(value not in (None, {}, []) for name, value in shown.items() if name not in (FOUND, REMARK))
