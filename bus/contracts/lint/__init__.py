"""Lint of contracts, beyond their form: rules with a code, a reason and a fix, and findings under these rules.

Errors keep a version from becoming active. The author judges warnings.
"""

from collections.abc import Callable, Collection, Iterator

from bus.contracts.binding import Bindings, find_missing_operations, find_shortfalls, no_adapters
from bus.contracts.document import Contract
from bus.contracts.errors import DocumentInvalid
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

RULES: tuple[Rule, ...] = (
    *FORM,
    *(rule for rule, _ in _CHECKS),
    persons.ADAPTER,
    agreement.OPERATION,
    agreement.ELSEWHERE,
    agreement.ENDED,
    agreement.PARTICIPANT,
)
"""All rules. The table in docs/contracts.md has them in this order."""


def lint_contract(
    contract: Contract,
    participants: Collection[str] | None = None,
    bindings: Bindings = no_adapters,
    adapters: Collection[str] | None = None,
) -> list[Finding]:
    """The findings, errors first; empty if nothing is wrong.

    Args:
        participants: the names that the bus knows; None: unknown, so their rule is not checked.
        bindings: the demands of the installed adapters.
        adapters: the names of the installed adapters; None: unknown, so their rules are not checked.
    """
    found = [rule.finding(error) for rule, check in _CHECKS for error in check(contract)]
    found += find_binding_errors(contract, bindings)
    # A version in force keeps its text when a grant in it ends. So this rule does not keep a version from being applied.
    found += find_ended_grants(contract)
    if adapters is not None:
        found += [rule.finding(error) for rule, error in agreement.find_unknown_uses(contract, adapters, bindings)]
    if participants is not None:
        found += [agreement.PARTICIPANT.finding(error) for error in agreement.unknown(contract, participants)]
    # A definition that several fields use gives the same finding for each.
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity is not Severity.ERROR)


def lint_refused(
    refusal: DocumentInvalid,
    participants: Collection[str] | None = None,
    bindings: Bindings = no_adapters,
    adapters: Collection[str] | None = None,
) -> list[Finding]:
    """The findings in a document that is no contract: its faults of form, and what the rest of it breaks."""
    faults = find_form_faults(refusal)
    if refusal.rest is None:
        return faults
    # Lint sees the place of a fault without the part that was left out, so it has no say there.
    holders = {fault.pointer.rpartition("/")[0] for fault in faults}
    others = lint_contract(refusal.rest, participants, bindings, adapters)
    return faults + [one for one in others if one.pointer not in holders]


def find_errors(contract: Contract, bindings: Bindings = no_adapters) -> list[Finding]:
    """The errors that keep the contract from becoming active. Does not look for warnings."""
    grave = [(rule, check) for rule, check in _CHECKS if rule.severity is Severity.ERROR]
    found = [rule.finding(error) for rule, check in grave for error in check(contract)]
    return list(dict.fromkeys([*found, *find_binding_errors(contract, bindings)]))


def find_binding_errors(contract: Contract, bindings: Bindings) -> list[Finding]:
    """The operations that no adapter has, and the places where the contract says less than its operations demand."""
    missing = [agreement.OPERATION.finding(error) for error in find_missing_operations(contract, bindings)]
    return missing + [persons.ADAPTER.finding(error) for error in find_shortfalls(contract, bindings)]


def find_ended_grants(contract: Contract) -> list[Finding]:
    """The grants that have ended."""
    return [agreement.ENDED.finding(error) for error in agreement.find_ended(contract)]
