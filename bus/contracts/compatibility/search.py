"""The search for a value that makes formulas true together: finds one, or proves that there is none.

It decides containment: A is contained in B exactly if no value is valid under A and invalid under B. It follows the witness
generation of Attouche and others ("Witness Generation for JSON Schema", VLDB 2022). For recursive schemas it proves by
coinduction.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from bus.contracts.compatibility import arrays, numbers, objects, strings
from bus.contracts.compatibility.answers import NOTHING, Answer, Found, Nothing, Unknown, first
from bus.contracts.compatibility.automata import Pattern
from bus.contracts.compatibility.budget import Budget, Spent, Undecided
from bus.contracts.compatibility.differences import other_than
from bus.contracts.compatibility.logic import ALWAYS, NEVER, Atom, Both, Either, Formula, Goal, Literal, OneOf
from bus.contracts.compatibility.meaning import Meaning
from bus.contracts.compatibility.truth import Truth
from bus.contracts.compatibility.values import JsonType, type_of

_DEEPEST = 30
"""Levels of nested values: Python's stack allows no more."""


class Search:
    """The search of one comparison. It keeps what it found."""

    def __init__(self, meaning: Meaning, budget: Budget, samples: Sequence[str] = ()) -> None:
        """Create.

        Args:
            samples: strings to try before made-up strings, so that examples look like known data.
        """
        self._meaning = meaning
        self.budget = budget
        self.samples = samples
        self._patterns: dict[str, Pattern] = {}
        self._known: dict[tuple[Goal, JsonType | None], Answer] = {}
        self._under_way: dict[tuple[Goal, JsonType | None], int] = {}
        self._lowest = _DEEPEST
        self.truth = Truth(meaning, self.pattern)

    def pattern(self, text: str) -> Pattern:
        """The automaton of a pattern."""
        if text not in self._patterns:
            self._patterns[text] = Pattern(text, self.budget)
        return self._patterns[text]

    def find(self, formulas: Iterable[Formula], kind: JsonType | None = None) -> Answer:
        """A value that makes all formulas true; of the type `kind`, if it is given.

        If the search for a goal meets the same goal again, it counts that as no value. For the smallest value of a goal cannot
        hold a value of the same goal.

        Raises:
            Spent: the budget is used up.
        """
        goal = frozenset(formulas)
        key = (goal, kind)
        if key in self._known:
            return self._known[key]
        if any(formula.negated() in goal for formula in goal):
            return NOTHING
        if key in self._under_way:
            self._lowest = min(self._lowest, self._under_way[key])
            return NOTHING
        depth = len(self._under_way)
        if depth >= _DEEPEST:
            return Unknown("the schemas are nested too deeply")
        self._under_way[key] = depth
        before, self._lowest = self._lowest, _DEEPEST
        try:
            answer = first(self._find_of_type(goal, each) for each in ([kind] if kind else JsonType))
        finally:
            del self._under_way[key]
        # `Nothing` may depend on an assumption about an outer goal, which is not proven yet.
        if not isinstance(answer, Nothing) or self._lowest >= depth:
            self._known[key] = answer
        self._lowest = min(before, self._lowest) if self._lowest < depth else before
        return answer

    def _find_of_type(self, goal: Goal, kind: JsonType) -> Answer:
        try:
            return first(self._decide(atoms, kind) for atoms in self._list_cells(goal, kind))
        except Spent:
            raise
        except Undecided as undecided:
            return Unknown(str(undecided))

    def _decide(self, atoms: frozenset[Atom], kind: JsonType) -> Answer:
        """A value that meets the atoms; the answer is exact if the candidates can be counted."""
        self.budget.spend(1 + len(atoms) // 10)
        choices = [atom for atom in atoms if isinstance(atom, OneOf) and atom.positive]
        if choices:
            return self._find_among(min(choices, key=lambda choice: len(choice.values)).values, atoms)
        match kind:
            case JsonType.NULL:
                return self._find_among((None,), atoms)
            case JsonType.BOOLEAN:
                return self._find_among((True, False), atoms)
            case JsonType.NUMBER:
                return numbers.decide(atoms, self.truth)
            case JsonType.STRING:
                return strings.decide(atoms, self)
            case JsonType.ARRAY:
                return arrays.decide(atoms, self)
            case JsonType.OBJECT:
                return objects.decide(atoms, self)
            case _:
                assert_never(kind)

    def _find_among(self, candidates: Iterable[Any], atoms: frozenset[Atom]) -> Answer:
        for candidate in candidates:
            self.budget.spend()
            if self.truth.all_hold(atoms, candidate):
                return Found(candidate)
        return NOTHING

    def _list_cells(self, goal: Goal, kind: JsonType) -> Iterator[frozenset[Atom]]:
        """The alternatives of a goal for values of one type, as sets of atoms.

        It is a tableau: takes in at once what must hold, then makes one choice after the other.
        """
        branches = [_Branch(tuple(goal), (), frozenset(), frozenset())]
        while branches:
            branch = self._take_in(branches.pop(), kind)
            if branch is None:
                continue
            if not branch.choices:
                yield branch.atoms
            elif branch.is_first or not isinstance(self._decide(branch.atoms, kind), Nothing):
                chosen = min(branch.choices, key=lambda choice: len(choice.parts))
                others = tuple(choice for choice in branch.choices if choice is not chosen)
                for part in reversed(chosen.parts):
                    branches.append(_Branch((part,), others, branch.atoms, branch.literals, False))

    def _take_in(self, branch: "_Branch", kind: JsonType) -> "_Branch | None":
        """The branch with its waiting formulas as atoms, literals and choices; None: it contradicts itself."""
        waiting, choices = list(branch.waiting), list(branch.choices)
        atoms, literals = set(branch.atoms), set(branch.literals)
        while waiting:
            self.budget.spend()
            formula = waiting.pop()
            match formula:
                case Both(parts):
                    waiting.extend(parts)
                case Either():
                    choices.append(formula)
                case Literal():
                    if formula.negated() in literals:
                        return None
                    if formula not in literals:
                        literals.add(formula)
                        waiting.append(self._meaning.of(formula, kind))
                case _:
                    if formula.negated() in atoms:
                        return None
                    if formula not in atoms:
                        atoms.add(formula)
                        waiting.extend(_take_apart(formula, kind))
            if not waiting:
                self.budget.spend(sum(len(choice.parts) for choice in choices) // 10)
                left = _open(choices, atoms, literals)
                if left is None:
                    return None
                # A choice with one part left is no choice any more.
                waiting = [choice.parts[0] for choice in left if len(choice.parts) == 1]
                choices = [choice for choice in left if len(choice.parts) > 1]
        return _Branch((), tuple(choices), frozenset(atoms), frozenset(literals), branch.is_first)


@dataclass(frozen=True, slots=True)
class _Branch:
    """One way through the choices that were made so far."""

    waiting: tuple[Formula, ...]
    choices: tuple[Either, ...]
    atoms: frozenset[Atom]
    literals: frozenset[Literal]
    is_first: bool = True


def _take_apart(atom: Atom, kind: JsonType) -> Iterator[Formula]:
    """The formulas of an atom that excludes whole arrays or objects."""
    if isinstance(atom, OneOf) and not atom.positive and kind in (JsonType.ARRAY, JsonType.OBJECT):
        yield from (other_than(value) for value in atom.values if type_of(value) is kind)


def _open(choices: Iterable[Either], atoms: set[Atom], literals: set[Literal]) -> list[Either] | None:
    """The choices that are still open, each with the parts that can still hold; None: one choice has no part left."""
    left: list[Either] = []
    known: set[Formula] = {*atoms, *literals}
    for choice in choices:
        if any(part in known or part == ALWAYS for part in choice.parts):
            continue
        parts = tuple(part for part in choice.parts if isinstance(part, Both | Either) or part.negated() not in known)
        parts = tuple(part for part in parts if part != NEVER)
        if not parts:
            return None
        left.append(Either(parts))
    return left
