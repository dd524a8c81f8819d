"""What is wrong with a contract beyond its form: rules with a code, a reason and a fix, and the findings under them.

Errors keep a version from becoming active; warnings are for its author to judge.
"""

from collections.abc import Callable, Collection, Iterator

from bus.contracts.document import Contract
from bus.contracts.lint import agreement, schema
from bus.contracts.lint.backtracking import BACKTRACKING, backtracking
from bus.contracts.lint.form import FORM
from bus.contracts.lint.form import form_findings as form_findings
from bus.contracts.lint.rule import Finding as Finding
from bus.contracts.lint.rule import Rule as Rule
from bus.contracts.lint.rule import Severity as Severity
from bus.problem import FieldError

_Check = Callable[[Contract], Iterator[FieldError]]

_CHECKS: tuple[tuple[Rule, _Check], ...] = (
    *agreement.CHECKS,
    *schema.CHECKS,
    (BACKTRACKING, backtracking),
)

RULES: tuple[Rule, ...] = (*FORM, *(rule for rule, _ in _CHECKS), agreement.PARTICIPANT)
"""Every rule there is; the table in docs/contracts.md has them in this order."""


def lint(contract: Contract, participants: Collection[str] | None = None) -> list[Finding]:
    """What there is to mend, errors first; empty when nothing is.

    Args:
        participants: the names that the bus knows; None: nobody can tell.
    """
    found = [rule.finding(error) for rule, check in _CHECKS for error in check(contract)]
    if participants is not None:
        found += [agreement.PARTICIPANT.finding(error) for error in agreement.unknown(contract, participants)]
    # A definition that several fields use is found once for each.
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity is not Severity.ERROR)


def errors_of(contract: Contract) -> list[Finding]:
    """What is to be mended before the contract can become active; warnings are not even looked for."""
    grave = [(rule, check) for rule, check in _CHECKS if rule.severity is Severity.ERROR]
    return list(dict.fromkeys(rule.finding(error) for rule, check in grave for error in check(contract)))
