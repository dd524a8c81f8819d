"""Queries: asks an agency's adapter, and answers the participant with the fields that its grant shows.

Promise: an answer leaves only if a grant covers it, the contract describes it, and its disclosure is on disk.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from bus import clock, json
from bus.agencies.asking import Asking, QueryPolicy, Served
from bus.agencies.circuits import OpenCircuits
from bus.agencies.quotas import ParticipantQuota, QuotaLedger
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
from bus.disclosures import Channel, Disclosure, DisclosureLog, make_disclosure
from bus.heavy import Heavy, Here, TooHeavy
from bus.identity import Principal
from bus.kit import UNLIMITED, Does, Question, add_unfit, hide_unfit
from bus.limits import Limits, Ration
from bus.problem import Conflict, FieldError, Forbidden, NotFound, Refused

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
_MOST_ERRORS: Final = 100
"""Errors that a refusal of several questions names."""
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


class AnswerOutdated(Conflict):
    """The answer was collected under an earlier version of the contract; ask again."""

    slug = "answer-outdated"


class AnswerNotGranted(Forbidden):
    """Your grant does not cover this answer."""

    slug = "answer-not-granted"


class Queries:
    """Asks agencies questions. Belongs to one event loop."""

    def __init__(
        self,
        catalogue: Catalogue,
        agencies: Agencies,
        disclosures: DisclosureLog,
        limits: Limits,
        ration: Ration,
        quotas: QuotaLedger,
        circuits: OpenCircuits,
        policy: QueryPolicy | None = None,
        heavy: Heavy | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._agencies = agencies
        self._disclosures = disclosures
        self._quotas = quotas
        self._circuits = circuits
        self._asking = Asking(limits, ration, circuits, policy or QueryPolicy())
        self._heavy = heavy or Here()

    def list_open_circuits(self) -> frozenset[str]:
        """The agencies to which a process puts no questions, since they do not answer. Call it from a thread."""
        return self._circuits.list()

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
            AgencyPaused, AgencyBusy, AgencyLeftInPeace: the agency is not asked now, so that it is not overrun.
            AnswerTooWide: the answer names too many persons to be disclosed.
            AnswerInvalid: the contract does not describe the agency's answer.
        """
        collected = await self.collect(contract, question, caller)
        # The view of now: the agency takes seconds, in which a grant may end.
        (shown,) = await self.show(contract, [(question, collected)], caller)
        if isinstance(shown, Refused):
            raise shown
        return shown

    async def collect(self, contract: str, question: Any, caller: Principal) -> "Collected":
        """The agency's whole answer. Nobody may get it but through `show`. Raises as `ask` does."""
        # In a thread, since the first use of a schema or a view compiles it.
        version = await asyncio.to_thread(self._check_agreement, contract, question, caller)
        served = self._find_served(version)
        asked = self._make_question(version, served, question, caller)
        answer = await self._fit_answer(version, await self._asking.ask(served, asked), asked, served.name)
        return Collected(version.id, answer, _is_personal(version, served))

    async def show(
        self, contract: str, told: Sequence[tuple[Any, "Collected"]], caller: Principal
    ) -> list[Mapping[str, Any] | Refused]:
        """Collected answers, as the caller's grant shows them now. Their disclosures are on disk when they are returned.

        Args:
            contract: the query contract.
            told: questions with their answers.
            caller: who gets the answers.

        Returns:
            For each answer what the grant shows, or why the caller does not get it.

        Raises:
            NoSuchContract, GrantSuspended, NotGranted, GrantExpired: no grant of the caller shows anything.
        """
        shown: list[Any] = []
        disclosures: list[Disclosure] = []
        version = self._catalogue.newest(contract)
        view = await self._find_view(version, caller)
        for question, collected in told:
            try:
                await self._check_version(version, collected, caller)
                cut = await _cut_apart(view, collected.answer)
                if collected.is_personal and _tells_of_person(collected.answer, cut):
                    about = version, view, (question, collected.answer), caller
                    disclosures += await asyncio.to_thread(_make_disclosures, *about)
            except (AnswerNotGranted, AnswerTooWide, AnswerOutdated) as refusal:
                cut = refusal
            shown.append(cut)
        if disclosures:
            await asyncio.to_thread(self._disclosures.record, disclosures)
        return shown

    async def _check_version(self, version: ContractVersion, collected: "Collected", caller: Principal) -> None:
        """Refuse an answer of an earlier version that the newest one does not describe: its grants say nothing about it.

        Raises:
            AnswerOutdated: it is such an answer.
        """
        if collected.version_id == version.id:
            return
        await asyncio.to_thread(version.answer_validator.prepare)
        if await self._find_wrong_places(version, collected.answer, caller.participant):
            raise AnswerOutdated("The contract has a new version that does not describe this answer; ask again.")

    def check_questions(self, contract: str, questions: Sequence[Any], caller: Principal) -> None:
        """Check that a caller may ask all of these questions. Synchronous: call it from a thread.

        Raises:
            QuestionInvalid: a question does not fit the schema; each error has a pointer below `/questions`.
            Refused: as `ask` says of a question that is not put to the agency.
        """
        wrong: list[FieldError] = []
        for number, question in enumerate(questions):
            try:
                version = self._check_agreement(contract, question, caller)
            except QuestionInvalid as refusal:
                wrong += [replace(one, pointer=f"/questions/{number}{one.pointer}") for one in refusal.errors]
        if wrong:
            raise QuestionInvalid(f"Some questions do not fit {contract}; none was asked.", errors=wrong[:_MOST_ERRORS])
        self._find_served(version)

    def _make_question(self, version: ContractVersion, served: Served, data: Any, caller: Principal) -> Question:
        terms = self._agencies.find_quota_terms(served.name)
        quota = ParticipantQuota(self._quotas, served.name, caller.participant, terms) if terms else UNLIMITED
        contract = version.contract
        return Question(contract.name, data, caller.participant, contract.shares_cache, contract.cache_seconds, quota)

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
        today = clock.today()
        return self._catalogue.view(version.contract.name, caller.participant, version.id, today)

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

    def _find_served(self, version: ContractVersion) -> Served:
        """The operation that answers a query.

        Raises:
            AdapterOff: no adapter that the contract names has its settings.
            AgencyPaused: the operator paused the operation.
            ContractSaysLess: the contract protects the answer less than the operation demands.
        """
        for use in version.contract.adapters:
            if self._agencies.find_operation(use.adapter, use.operation, Does.QUERY) is not None:
                self._agencies.check_serves(version.contract, [version.contract], use.adapter, use.operation)
                self._agencies.check_not_paused(use.adapter, use.operation)
                return Served(use.adapter, *self._agencies.find_query(use.adapter, use.operation))
        why = [
            self._agencies.explain_off(name) for name in dict.fromkeys(use.adapter for use in version.contract.adapters)
        ]
        raise AdapterOff(f"No adapter answers {version.contract.name}. {' '.join(why)}".rstrip())


@dataclass(frozen=True, slots=True)
class Collected:
    """An agency's answer, whole.

    Attributes:
        version_id: the contract version under which it was asked.
        answer: the answer, which the version's answer schema describes.
        is_personal: whether a disclosure is written when somebody gets it.
    """

    version_id: int
    answer: Mapping[str, Any]
    is_personal: bool

    def to_document(self) -> dict[str, Any]:
        """The answer as a JSON object, for `from_document`."""
        return {"version": self.version_id, "answer": self.answer, "personal": self.is_personal}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Collected":
        """The answer that `to_document` wrote."""
        return cls(document["version"], document["answer"], document["personal"])


def _make_disclosures(
    version: ContractVersion, view: View, told: tuple[Any, Any], caller: Principal
) -> list[Disclosure]:
    """The disclosures of an answer, told with its question, to the caller; `_persons` says what is raised."""
    return [
        make_disclosure(version, view, Channel.QUERY, client_id=caller.client_id, person=person)
        for person in _persons(version, *told)
    ]


async def _cut_apart(view: View, answer: Mapping[str, Any]) -> Any:
    """What `_cut` returns. A thread cuts a large answer."""
    return _cut(view, answer) if json.is_small(answer, _SMALL) else await asyncio.to_thread(_cut, view, answer)


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


def _is_personal(version: ContractVersion, served: Served) -> bool:
    """Whether the bus writes a disclosure. The operation's classification counts, whatever the contract says."""
    return version.is_personal or served.operation.least.is_about_persons


def _tells_of_person(answer: Mapping[str, Any], shown: Any) -> bool:
    """Whether the shown fields hold data of a person. An answer of "not found" may hold some as well."""
    if answer.get(FOUND) is not False or not isinstance(shown, Mapping):
        return True
    return any(value not in (None, {}, []) for name, value in shown.items() if name not in (FOUND, REMARK))
