"""Approval: decides whether a contract version may be put in force. Says what to mend in it, and what it would break."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bus import json
from bus.contracts.binding import Bindings, write_bindings
from bus.contracts.compatibility import Finding, Report, Rule, Verdict, compare_versions
from bus.contracts.document import Contract
from bus.contracts.errors import CompatibilityUndecided, GrantsUnseen, Incompatible, NotReady, StepTooSmall
from bus.contracts.granted import find_granted, grants_persons_data, write_granted
from bus.contracts.lint import Finding as LintFinding
from bus.contracts.lint import find_binding_errors, find_ended_grants, find_errors
from bus.contracts.registered import Basis
from bus.problem import Conflict, FieldError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that somebody wants to put in force.

    Attributes:
        basis: the state of the register that the version is judged by.
        bindings: the demands of the installed adapters.
        accept_undecided: approve the version even if its compatibility cannot be decided.
        grants_seen: the approver saw what the version newly grants.
    """

    contract: Contract
    basis: Basis
    bindings: Bindings
    accept_undecided: bool
    grants_seen: bool

    def document(self) -> bytes:
        """The candidate as JSON, for `judge_approval`."""
        asked = {
            "document": self.contract.document,
            "active": [one.contract.document for one in self.basis.active],
            "bindings": write_bindings(self.contract, self.bindings),
            "accept_undecided": self.accept_undecided,
            "grants_seen": self.grants_seen,
        }
        return json.dumps(asked)


def check_approvable(
    contract: Contract, active: Sequence[Contract], bindings: Bindings, *, accept_undecided: bool = False
) -> Report:
    """Refuse a version that may not be put in force.

    Args:
        active: the active versions that the contract would join.
        bindings: the demands of the installed adapters.
        accept_undecided: approve the version even if its compatibility cannot be decided.

    Returns:
        The report on its compatibility.

    Raises:
        NotReady: lint found errors.
        Incompatible: the version breaks what the active versions promise. The problem has the report as `compatibility`.
        StepTooSmall: the version number goes up too little for the change.
        CompatibilityUndecided: it cannot be decided whether the version breaks something.
    """
    _check_mended(contract, find_errors(contract, bindings))
    report = compare_versions(contract, active)
    if refusal := _find_refusal(contract, report, accept_undecided):
        raise refusal
    return report


def check_grants_seen(contract: Contract, active: Sequence[Contract]) -> None:
    """Refuse a version that newly grants data about persons: its approver has not seen what it grants.

    Raises:
        GrantsUnseen: the problem lists what is granted to whom, as `grants`.
    """
    granted = find_granted(contract, active)
    if grants_persons_data(contract, granted):
        consumers = ", ".join(one.participant for one in granted)
        raise GrantsUnseen(
            f"{contract.name} {contract.version} shows more personal data to {consumers}. Read what it grants; then repeat"
            " the approval with ?grants=seen (command line: --grants-seen).",
            grants=write_granted(granted),
        )


def check_proposable(contract: Contract, bindings: Bindings) -> None:
    """Refuse to propose a version with a grant that has ended, or that does not fit the adapters it names.

    Raises:
        NotReady: names each place to mend.
    """
    _check_mended(contract, [*find_binding_errors(contract, bindings), *find_ended_grants(contract)])


def check_not_ended(contract: Contract) -> None:
    """Refuse to put a version in force by itself if a grant in it has ended.

    Applying whole documents does not ask for this: versions that are in force elsewhere keep their text.

    Raises:
        NotReady: names each grant.
    """
    _check_mended(contract, find_ended_grants(contract))


def describe_compatibility(report: Report) -> dict[str, Any]:
    """The report as the API writes it, without the version step."""
    return {"verdict": report.verdict.value, "findings": [_write_finding(finding) for finding in report.findings]}


def _check_mended(contract: Contract, errors: Sequence[LintFinding]) -> None:
    if errors:
        raise NotReady(
            f"{contract.name} {contract.version} has to be mended first.",
            errors=[FieldError(finding.pointer, finding.message) for finding in errors],
        )


def _find_refusal(contract: Contract, report: Report, accept_undecided: bool) -> Conflict | None:
    named = f"{contract.name} {contract.version}"
    too_small = [finding for finding in report.findings if finding.rule is Rule.VERSION_STEP]
    broken = [one for one in report.findings if one.verdict is Verdict.INCOMPATIBLE and one not in too_small]
    undecided = [finding for finding in report.findings if finding.verdict is Verdict.UNDECIDED]
    if broken:
        detail = f"{named} breaks what {_list_versions(broken)} promises; see `compatibility`."
        return Incompatible(detail, **_write_members(report, [*broken, *too_small]))
    if too_small:
        return StepTooSmall(f"{named} has to be a {report.step.value} step.", **_write_members(report, too_small))
    if undecided and not accept_undecided:
        detail = f"It cannot be decided whether {named} breaks what {_list_versions(undecided)} promises."
        return CompatibilityUndecided(detail, **_write_members(report, undecided))
    return None


def _write_members(report: Report, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "errors": [FieldError(finding.pointer, finding.message) for finding in findings],
        "compatibility": describe_compatibility(report),
        "step": report.step.value,
    }


def _list_versions(findings: Sequence[Finding]) -> str:
    return " and ".join(dict.fromkeys(finding.against for finding in findings))


def _write_finding(finding: Finding) -> dict[str, Any]:
    document = {
        "rule": finding.rule.value,
        "pointer": finding.pointer,
        "pointer_before": finding.pointer_before,
        "against": finding.against,
        "side": finding.side.name.lower().replace("_", "-"),
        "verdict": finding.verdict.value,
        "message": finding.message,
    }
    return document | ({"example": finding.example.value} if finding.example else {})
