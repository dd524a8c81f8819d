"""Objects: decides which members must exist, under which names, and what each value must be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from bus.contracts.compatibility.answers import NOTHING, Answer, Found, Nothing, Unknown, first
from bus.contracts.compatibility.budget import Undecided
from bus.contracts.compatibility.logic import (
    Atom,
    EveryMember,
    EveryName,
    Formula,
    Goal,
    Has,
    Match,
    Matching,
    Named,
    Names,
    Outside,
    Size,
    SomeMember,
    SomeName,
    one_of,
)
from bus.contracts.compatibility.sizes import bounds
from bus.contracts.compatibility.values import JsonType

if TYPE_CHECKING:
    from bus.contracts.compatibility.search import Search

_MOST_PATTERNS = 6
_LARGEST = 2_000


def decide(atoms: Iterable[Atom], search: "Search") -> Answer:
    """An object that meets the atoms."""
    return _Object(frozenset(atoms), search).decide()


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A member under a name that no rule mentions. The name matches these patterns and no others.

    Attributes:
        name, value: demands on the name and on the value, beside the demands on all members.
    """

    matches: frozenset[str]
    name: tuple[Formula, ...] = ()
    value: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """Members that the object will have: known names with further demands on their values, and fresh members."""

    known: dict[str, tuple[Formula, ...]] = field(default_factory=dict)
    fresh: tuple[_Fresh, ...] = ()

    def with_known(self, name: str, what: tuple[Formula, ...]) -> "_Plan":
        return _Plan({**self.known, name: (*self.known.get(name, ()), *what)}, self.fresh)

    def with_fresh(self, fresh: _Fresh) -> "_Plan":
        return _Plan(self.known, (*self.fresh, fresh))


class _Object:
    def __init__(self, atoms: frozenset[Atom], search: "Search") -> None:
        self._atoms = atoms
        self._search = search
        self._least, self._most = bounds(atom for atom in atoms if isinstance(atom, Size))
        every = [atom for atom in atoms if isinstance(atom, EveryMember)]
        self._of_name: dict[str, list[Formula]] = {}
        for atom in every:
            if isinstance(atom.names, Named):
                self._of_name.setdefault(atom.names.name, []).append(atom.what)
        self._of_many = [atom for atom in every if not isinstance(atom.names, Named)]
        self._some = [atom for atom in atoms if isinstance(atom, SomeMember | SomeName)]
        self._names = [atom.what for atom in atoms if isinstance(atom, EveryName)]
        self._must = sorted(atom.name for atom in atoms if isinstance(atom, Has) and atom.positive)
        self._absent = {atom.name for atom in atoms if isinstance(atom, Has) and not atom.positive}
        spoken = [atom.names for atom in atoms if isinstance(atom, EveryMember | SomeMember)]
        self._known = sorted({*self._must, *self._absent, *chain.from_iterable(map(_list_names, spoken))})
        self._patterns = sorted(set(chain.from_iterable(map(_list_patterns, spoken))))
        self._classes: list[_Fresh] | None = None

    def decide(self) -> Answer:
        if self._absent.intersection(self._must) or (self._most is not None and self._least > self._most):
            return NOTHING
        if self._least > _LARGEST:
            return Unknown(f"only objects of more than {_LARGEST} members could show it")
        if not all(self._may_be_named(name) for name in self._must):
            return NOTHING
        return first(self._build(plan) for plan in self._list_plans(0, _Plan(dict.fromkeys(self._must, ()))))

    def _may_be_named(self, name: str) -> bool:
        return name not in self._absent and self._search.truth.all_hold(self._names, name)

    def _list_fresh(self) -> list[_Fresh]:
        """The kinds of names that no rule mentions: one kind for each set of patterns that some name matches."""
        if self._classes is None:
            if len(self._patterns) > _MOST_PATTERNS:
                raise Undecided("too many patterns for the names of properties")
            subsets = chain.from_iterable(combinations(self._patterns, size) for size in range(len(self._patterns) + 1))
            classes = [_Fresh(frozenset(matched)) for matched in subsets]
            self._classes = [each for each in classes if not isinstance(self._find_name(each, ()), Nothing)]
        return self._classes

    def _find_name(self, fresh: _Fresh, taken: Iterable[str]) -> Answer:
        self._search.budget.spend()
        matching = (Match(pattern, pattern in fresh.matches) for pattern in self._patterns)
        others = one_of((*self._known, *taken), positive=False)
        return self._search.find((*matching, others, *self._names, *fresh.name), JsonType.STRING)

    def _list_plans(self, number: int, plan: _Plan) -> Iterator[_Plan]:
        """Every way to name the members that must exist under some name."""
        if number == len(self._some):
            yield plan
            return
        atom = self._some[number]
        for name in self._known:
            self._search.budget.spend()
            if isinstance(atom, SomeMember):
                if self._search.truth.speaks_of(atom.names, name) and self._may_be_named(name):
                    yield from self._list_plans(number + 1, plan.with_known(name, (atom.what,)))
            elif self._may_be_named(name) and self._search.truth.holds(atom.what, name):
                yield from self._list_plans(number + 1, plan.with_known(name, ()))
        if isinstance(atom, SomeMember) and isinstance(atom.names, Named):
            return
        for fresh in self._list_fresh():
            if isinstance(atom, SomeName):
                yield from self._list_plans(number + 1, plan.with_fresh(_Fresh(fresh.matches, name=(atom.what,))))
            elif _speaks_of(atom.names, fresh):
                yield from self._list_plans(number + 1, plan.with_fresh(_Fresh(fresh.matches, value=(atom.what,))))

    def _make_value_goal(self, name: str, besides: tuple[Formula, ...] = ()) -> Goal:
        self._search.budget.spend(1 + len(self._of_many) // 4)
        told = (atom.what for atom in self._of_many if self._search.truth.speaks_of(atom.names, name))
        return frozenset((*told, *self._of_name.get(name, ()), *besides))

    def _make_fresh_goal(self, fresh: _Fresh) -> Goal:
        return frozenset((*(atom.what for atom in self._of_many if _speaks_of(atom.names, fresh)), *fresh.value))

    def _build(self, plan: _Plan) -> Answer:
        """The object of a plan, filled up to the least size."""
        # Known names differ from each other, but two fresh members may be the same member.
        if self._most is not None and len(plan.known) + bool(plan.fresh) > self._most:
            return NOTHING
        members: dict[str, Any] = {}
        doubt: Unknown | None = None
        for name, besides in plan.known.items():
            answer = self._search.find(self._make_value_goal(name, besides))
            if isinstance(answer, Nothing):
                return NOTHING
            doubt = answer if isinstance(answer, Unknown) else doubt
            members[name] = answer.value if isinstance(answer, Found) else None
        for fresh in plan.fresh:
            added = self._add(fresh, members)
            if isinstance(added, Nothing):
                return NOTHING
            doubt = added if isinstance(added, Unknown) else doubt
        if doubt is not None:
            return doubt
        filled = self._fill_up(members)
        return filled if filled is not None else self._judge(members)

    def _add(self, fresh: _Fresh, members: dict[str, Any]) -> Answer:
        """Add a fresh member. `Nothing`: no member can meet its demands."""
        value = self._search.find(self._make_fresh_goal(fresh))
        if not isinstance(value, Found):
            return value
        if isinstance(self._find_name(fresh, ()), Nothing):
            return NOTHING
        name = self._find_name(fresh, members)
        if isinstance(name, Found):
            members[name.value] = value.value
            return name
        return Unknown("no further name was found for a property")

    def _fill_up(self, members: dict[str, Any]) -> Nothing | Unknown | None:
        """Add optional members up to the least size; None: done."""
        missing = self._least - len(members)
        doubt: Unknown | None = None
        for name in self._known if missing > 0 else ():
            if name not in members and self._may_be_named(name) and len(members) < self._least:
                answer = self._search.find(self._make_value_goal(name))
                if isinstance(answer, Found):
                    members[name] = answer.value
                doubt = answer if isinstance(answer, Unknown) else doubt
        while len(members) < self._least:
            added = first(self._add(fresh, members) for fresh in self._list_fresh())
            if isinstance(added, Unknown):
                return added
            if isinstance(added, Nothing):
                return doubt or added
        return None

    def _judge(self, members: dict[str, Any]) -> Answer:
        if self._search.truth.all_hold(self._atoms, members):
            return Found(members)
        return Unknown("no object was found that meets the rules for its members together")


def _speaks_of(names: Names, fresh: _Fresh) -> bool:
    match names:
        case Named():
            return False
        case Matching(pattern):
            return pattern in fresh.matches
        case Outside(_, patterns):
            return not patterns & fresh.matches


def _list_names(names: Names) -> Iterable[str]:
    match names:
        case Named(name):
            return (name,)
        case Matching():
            return ()
        case Outside(known, _):
            return known


def _list_patterns(names: Names) -> Iterable[str]:
    match names:
        case Named():
            return ()
        case Matching(pattern):
            return (pattern,)
        case Outside(_, patterns):
            return patterns
