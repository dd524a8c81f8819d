"""What is wrong with a contract beyond its form: rules with a code, a reason and a fix, and the findings under them.

Errors keep a version from becoming active; warnings are for its author to judge.
"""

from collections.abc import Callable, Collection, Iterator

from bus.contracts.binding import Bindings, find_shortfalls, no_adapters
from bus.contracts.document import Contract
from bus.contracts.lint import agreement, persons, schema
from bus.contracts.lint.backtracking import BACKTRACKING, find_backtracking
from bus.contracts.lint.form import FORM
from bus.contracts.lint.form import find_form_faults as find_form_faults
from bus.contracts.lint.rule import Finding as Finding
from bus.contracts.lint.rule import Rule as Rule
from bus.contracts.lint.rule import Severity as Severity
from bus.problem import FieldError

_Check = Callable[[Contract], Iterator[FieldError]]

_CHECKS: tuple[tuple[Rule, _Check], ...] = (
    *agreement.CHECKS,
    *schema.CHECKS,
    *persons.CHECKS,
    (BACKTRACKING, find_backtracking),
)

RULES: tuple[Rule, ...] = (*FORM, *(rule for rule, _ in _CHECKS), persons.ADAPTER, agreement.PARTICIPANT)
"""Every rule there is; the table in docs/contracts.md has them in this order."""


def lint_contract(
    contract: Contract, participants: Collection[str] | None = None, bindings: Bindings = no_adapters
) -> list[Finding]:
    """What there is to mend, errors first; empty when nothing is.

    Args:
        participants: the names that the bus knows; None: nobody can tell.
        bindings: what the adapters that are installed ask.
    """
    found = [rule.finding(error) for rule, check in _CHECKS for error in check(contract)]
    found += find_binding_errors(contract, bindings)
    if participants is not None:
        found += [agreement.PARTICIPANT.finding(error) for error in agreement.unknown(contract, participants)]
    # A definition that several fields use is found once for each.
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity is not Severity.ERROR)


def find_errors(contract: Contract, bindings: Bindings = no_adapters) -> list[Finding]:
    """What is to be mended before the contract can become active; warnings are not even looked for."""
    grave = [(rule, check) for rule, check in _CHECKS if rule.severity is Severity.ERROR]
    found = [rule.finding(error) for rule, check in grave for error in check(contract)]
    return list(dict.fromkeys([*found, *find_binding_errors(contract, bindings)]))


def find_binding_errors(contract: Contract, bindings: Bindings) -> list[Finding]:
    """Where the contract says less than the adapters' operations that it names."""
    return [persons.ADAPTER.finding(error) for error in find_shortfalls(contract, bindings)]
