"""The mapper: has worker processes evaluate expressions, so that no expression holds up or harms anything else.

Promise: an evaluation ends within its bounds. One that does not ends alone: its neighbours in the same call are done again
without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bus import json
from bus.declared.document import Rule
from bus.expressions import evaluate, judge
from bus.heavy import Bounds, Heavy, HeavyWorkWaits, Processes, Shares, TooHeavy, TooMuchAtOnce
from bus.kit import AgencyFault, Failure

SECONDS: Final = 0.5
"""Most processor time of one evaluation."""

_BOUNDS: Final = Bounds(seconds=10.0, memory=256 * 1024 * 1024, jobs=5000, idle=900.0)
"""Of one worker. A call has many evaluations, each of which has `SECONDS`."""
_SHARES: Final = Shares(at_once=2, each=2)
_MOST_AT_ONCE: Final = 200
"""Most inputs in one call."""
_MOST_HEAVY: Final = 3
"""Most inputs of a call that may end their worker, before the call is given up."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an expression gave.

    Attributes:
        value: a JSON value; None for null, and if there is none.
        is_there: False: the expression found nothing, or failed.
        error: JSONata's code, or `late`, `deep`, `digits`, `heavy`, `value`; empty: it did not fail.
        message: for the author alone, since it may hold data.
    """

    value: Any = None
    is_there: bool = False
    error: str = ""
    message: str = ""

    def describe(self) -> str:
        """Why there is no value, in words that hold no data unless the author asked for them."""
        if not self.error:
            return "finds nothing"
        return _WORDS.get(self.error, f"fails with JSONata's error {self.error}") + (
            f" ({self.message})" if self.message else ""
        )


_WORDS: Final = {
    "late": "takes too long",
    "deep": "calls itself too often, or is nested too deep",
    "heavy": "needs too much memory or time",
    "digits": "meets a number of more than 15 digits; say `numbers: text`, and hand it on as text",
    "value": "gives no JSON value",
}


@dataclass(frozen=True, slots=True)
class Program:
    """Expressions that are evaluated together.

    Attributes:
        expressions: JSONata by name.
        variables: the values of `$name`.
        numbers: `short` or `text`; see `bus.expressions`.
    """

    expressions: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    numbers: str = "short"


@dataclass(frozen=True, slots=True)
class Judged:
    """What an answer means.

    Attributes:
        rule: the rule that fits; None: no rule fits.
        retry_after, quotes: what the rule's expressions gave.
        is_json: whether the answer is JSON, or the XML that the operation expects.
        results: what the program's expressions gave.
        rows: each entry of the list as `{"row": …}`. One with a `digest` lacks members that no expression can read. None: there
            is no list.
    """

    rule: Rule | None
    retry_after: Found
    quotes: Found
    is_json: bool
    results: Mapping[str, Found]
    rows: Sequence[Mapping[str, Any]] | None = None


class Mapper:
    """Evaluates the expressions of one adapter. Belongs to one event loop.

    Args:
        name: the adapter's name.
        heavy: the workers; None: two processes of its own.
        explain: True: results have messages, which may hold data; for an author's trial.
    """

    def __init__(self, name: str, heavy: Heavy | None = None, *, explain: bool = False) -> None:
        self._name = name
        self._heavy: Heavy = Processes(_SHARES, _BOUNDS) if heavy is None else heavy
        self._explain = explain

    async def evaluate(self, program: Program, inputs: Sequence[Any]) -> list[Mapping[str, Found]]:
        """What the program's expressions gave for each input.

        Raises:
            AgencyFault: transient; no worker is free, or several inputs need too much.
        """
        found: list[Mapping[str, Found]] = []
        for start in range(0, len(inputs), _MOST_AT_ONCE):
            found += await self._evaluate_piece(program, inputs[start : start + _MOST_AT_ONCE])
        return found

    async def _evaluate_piece(self, program: Program, inputs: Sequence[Any]) -> list[Mapping[str, Found]]:
        try:
            return await self._evaluate_at_once(program, inputs)
        except TooHeavy:
            if len(inputs) == 1:
                return [_make_heavy(program)]
        alone, left = [], _MOST_HEAVY
        for value in inputs:
            try:
                alone += await self._evaluate_at_once(program, [value])
            except TooHeavy:
                left -= 1
                if not left:
                    raise AgencyFault(
                        Failure.TRANSIENT, "the mapping needs too much memory or time for several rows"
                    ) from None
                alone.append(_make_heavy(program))
        return alone

    async def _evaluate_at_once(self, program: Program, inputs: Sequence[Any]) -> list[Mapping[str, Found]]:
        results = await self._run(evaluate, self._write_task(program), json.dumps(list(inputs)))
        return [_read_results(one) for one in results]

    async def judge(
        self,
        program: Program,
        rules: Sequence[Rule],
        *,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        fold: bool = False,
        form: str = "json",
        rows: str | None = None,
        signed: Sequence[str] | None = None,
    ) -> Judged:
        """What an answer means, and what the program's expressions find in it.

        Args:
            rules: the first that fits decides.
            fold: folds the answer first; see `bus.kit.fold`.
            form: `json` or `xml`.
            rows: an expression that gives a list.
            signed: the members that a signature covers; an answer whose names are ambiguous then is no JSON. None: it may have
                such names.

        Raises:
            AgencyFault: transient; no worker is free, or the answer needs too much.
        """
        told = [rule.model_dump(include={"status", "when", "retry_after", "quotes"}) for rule in rules]
        task = self._write_task(
            program,
            rules=told,
            status=status,
            headers=dict(headers),
            fold=fold,
            format=form,
            rows=rows,
            signed=signed,
        )
        try:
            answer = await self._run(judge, task, body)
        except TooHeavy:
            raise AgencyFault(Failure.TRANSIENT, "the answer needs too much memory or time", status=status) from None
        return Judged(
            rule=None if answer["rule"] is None else rules[answer["rule"]],
            retry_after=_read_found(answer.get("retry_after", {})),
            quotes=_read_found(answer.get("quotes", {})),
            is_json=answer["is_json"],
            results=_read_results(answer["results"]),
            rows=answer.get("rows"),
        )

    async def close(self) -> None:
        """End the workers."""
        await self._heavy.close()

    def _write_task(self, program: Program, **more: Any) -> bytes:
        told = {
            "expressions": dict(program.expressions),
            "variables": json.dumps(dict(program.variables)).decode(),
            "numbers": program.numbers,
            "seconds": SECONDS,
            "explain": self._explain,
        }
        return json.dumps(told | more)

    async def _run(self, work: Any, *parts: bytes) -> Any:
        try:
            return json.loads(await self._heavy.run(work, *parts, who=self._name))
        except (HeavyWorkWaits, TooMuchAtOnce):
            raise AgencyFault(Failure.TRANSIENT, "too many mappings wait", retry_after=2.0) from None


def _make_heavy(program: Program) -> Mapping[str, Found]:
    return dict.fromkeys(program.expressions, Found(error="heavy"))


def _read_results(results: Mapping[str, Any]) -> Mapping[str, Found]:
    return {name: _read_found(one) for name, one in results.items()}


def _read_found(result: Mapping[str, Any]) -> Found:
    return Found(result.get("value"), "value" in result, result.get("error", ""), result.get("message", ""))
