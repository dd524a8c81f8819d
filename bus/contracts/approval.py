"""Whether a contract version may be put in force: what is to be mended in it, and what it would break."""

from collections.abc import Sequence

from bus.contracts.compatibility.report import Report, Step, Verdict
from bus.contracts.document import Contract
from bus.contracts.errors import NotReady
from bus.contracts.lint import lint
from bus.problem import FieldError


def check_approvable(contract: Contract, active: Sequence[Contract], *, accept_undecided: bool = False) -> Report:
    if findings := lint(contract):
        raise NotReady(
            f"{contract.name} {contract.version} has to be mended first.",
            errors=[FieldError(finding.pointer, finding.message) for finding in findings],
        )
    return Report(Verdict.COMPATIBLE, (), Step.PATCH)
