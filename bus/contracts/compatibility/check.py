"""The check of a new contract version against the active ones: what breaks, for whom, and which step it needs.

For events and records, `backward` means: all data that are valid under the old version are valid under the new. `forward`
means the reverse. For queries, `backward` means: a participant that knows only the old version is not disturbed. So the new
version accepts all old questions, and the old version accepts all new answers. `forward` means: a participant that knows only
the new version can ask a server of the old one. `full` means both. `none` demands nothing: its findings are for information.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bus import json
from bus.contracts.compatibility.answers import Found
from bus.contracts.compatibility.budget import Budget
from bus.contracts.compatibility.comparison import Break, Comparisons
from bus.contracts.compatibility.messages import message
from bus.contracts.compatibility.report import Example, Finding, Report, Rule, Side, Step, Verdict
from bus.contracts.compatibility.terms import differs_beyond_words, term_findings
from bus.contracts.compatibility.versions import find_step, ordered
from bus.contracts.document import Contract, Kind
from bus.contracts.granted import find_granted_since
from bus.contracts.validation import Validator

STEPS = 300_000
"""Steps of work for one check against all active versions: a few seconds."""

_LARGEST_EXAMPLE = 16 * 1024
_MOST_SAMPLES = 40
_LONGEST_SAMPLE = 100
_WANTED = {"backward": (True, False), "forward": (False, True), "full": (True, True), "none": (True, True)}


@dataclass(frozen=True, slots=True)
class _Question:
    """One containment to decide: the strict schema must accept all that the lenient schema accepts.

    Attributes:
        part: schema, request or answer.
        backward: whether participants that know the old version rely on it; otherwise those that know the new version do.
        strict_is_new: whether the strict schema belongs to the new version.
    """

    part: str
    backward: bool
    strict_is_new: bool

    @property
    def side(self) -> Side:
        return Side.NEW_REFUSES_OLD if self.strict_is_new else Side.OLD_REFUSES_NEW


_OF_DATA = (_Question("schema", True, True), _Question("schema", False, False))
_OF_QUERY = (
    _Question("request", True, True),
    _Question("answer", True, False),
    _Question("request", False, False),
    _Question("answer", False, True),
)


def compare_versions(new: Contract, against: Sequence[Contract], steps: int = STEPS) -> Report:
    """The promises of the active versions that a new version breaks.

    Args:
        new: the new version. Its own `compatibility` says what it must keep.
        against: all active versions.
        steps: steps of work. What they do not suffice for is undecided.
    """
    mode = new.document.get("compatibility", "backward")
    comparisons = Comparisons(Budget(steps), _collect_samples([new, *against]))
    outcomes = [_Outcome(comparisons, new, old, mode) for old in against if old.document != new.document]
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    if mode == "none":
        findings = [replace(finding, verdict=Verdict.COMPATIBLE) for finding in findings]
    step = max(
        (outcome.step for outcome in outcomes if outcome.is_older), key=lambda each: each.height, default=Step.PATCH
    )
    return Report(_judge(findings), tuple(findings), step)


def _judge(findings: list[Finding]) -> Verdict:
    verdicts = {finding.verdict for finding in findings}
    order = (Verdict.INCOMPATIBLE, Verdict.UNDECIDED)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.COMPATIBLE)


class _Outcome:
    """The comparison of the new version with one old version."""

    def __init__(self, comparisons: Comparisons, new: Contract, old: Contract, mode: str) -> None:
        self._comparisons = comparisons
        self._new = new
        self._old = old
        self._validators: dict[int, Validator] = {}
        self.is_older = ordered(old.version) <= ordered(new.version)
        terms = list(term_findings(new, old))
        backward, forward = _WANTED[mode]
        # Contracts of different kinds have no schemas to compare.
        questions = () if new.kind is not old.kind else _OF_QUERY if new.kind is Kind.QUERY else _OF_DATA
        wanted = [question for question in questions if (backward if question.backward else forward)]
        broken = {question: list(self._find_breaks(question)) for question in wanted}
        self.step = self._step(bool(terms), questions, broken)
        self.findings = [*terms, *(finding for found in broken.values() for finding in found), *self._check_step()]

    def _step(
        self, are_terms_broken: bool, questions: Sequence[_Question], broken: dict[_Question, list[Finding]]
    ) -> Step:
        """The step. Major: it can disturb participants, or breaks a promise. Minor: more than texts for people changed."""
        if are_terms_broken or any(broken.values()):
            return Step.MAJOR
        open_questions = [question for question in questions if question not in broken]
        if any(question.backward and not self._holds(question) for question in open_questions):
            return Step.MAJOR
        same = all(self._holds(question) for question in open_questions)
        if not same or differs_beyond_words(self._new, self._old):
            return Step.MINOR
        # A property that an open schema begins to declare changes no valid data, but consumers begin to see it.
        return Step.MINOR if find_granted_since(self._new, self._old) else Step.PATCH

    def _check_step(self) -> Iterator[Finding]:
        given = find_step(self._old.version, self._new.version)
        if self.is_older and (given is None or given.height < self.step.height):
            yield Finding(
                Rule.VERSION_STEP,
                "/version",
                "/version",
                self._old.version,
                Side.BOTH,
                f"The change from version {self._old.version} calls for a {self.step.value} step of the version number.",
                Verdict.INCOMPATIBLE,
            )

    def _get_schemas(self, question: _Question) -> tuple[Any, Any]:
        new, old = getattr(self._new, question.part), getattr(self._old, question.part)
        return (old, new) if question.strict_is_new else (new, old)

    def _holds(self, question: _Question) -> bool:
        return self._comparisons.contained(*self._get_schemas(question))

    def _find_breaks(self, question: _Question) -> Iterator[Finding]:
        lenient, strict = self._get_schemas(question)
        examples = _list_examples(self._old if question.strict_is_new else self._new, question.part)
        for broken in self._comparisons.breaks(lenient, strict, examples):
            yield self._make_finding(broken, question, lenient, strict)

    def _make_finding(self, broken: Break, question: _Question, lenient: Any, strict: Any) -> Finding:
        places = [json.to_pointer((question.part, *path)) for path in (broken.strict, broken.lenient)]
        new, old = places if question.strict_is_new else reversed(places)
        # The gate's own validator must confirm each example, and so each verdict of incompatible.
        shown = isinstance(broken.answer, Found) and self._shows(broken.answer.value, lenient, strict)
        doubt = "" if shown or not isinstance(broken.answer, Found) else "the example found could not be confirmed"
        return Finding(
            broken.rule,
            new,
            old,
            self._old.version,
            question.side,
            message(broken, question.side, self._old.version, doubt),
            Verdict.INCOMPATIBLE if shown else Verdict.UNDECIDED,
            _make_example(broken.answer.value) if shown and isinstance(broken.answer, Found) else None,
            json.to_pointer(broken.field),
        )

    def _shows(self, value: Any, lenient: Any, strict: Any) -> bool:
        return self._get_validator(lenient).is_valid(value) and not self._get_validator(strict).is_valid(value)

    def _get_validator(self, schema: Any) -> Validator:
        if id(schema) not in self._validators:
            self._validators[id(schema)] = Validator(schema)
        return self._validators[id(schema)]


def _list_examples(contract: Contract, part: str) -> list[Any]:
    return list(contract.examples) if part == "schema" else [example[part] for example in contract.examples]


def _collect_samples(contracts: Sequence[Contract]) -> list[str]:
    """Strings from the contracts' examples, which are fictitious and look like the data."""
    texts = dict.fromkeys(
        text for contract in contracts for example in contract.examples for text in _collect_texts(example)
    )
    return [text for text in texts if len(text) <= _LONGEST_SAMPLE][:_MOST_SAMPLES]


def _collect_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value if isinstance(value, list) else value.values():
            yield from _collect_texts(inner)


def _make_example(value: Any) -> Example | None:
    """The value as an example; None: it is too large for a reader."""
    return Example(value) if len(json.dumps(value)) <= _LARGEST_EXAMPLE else None
