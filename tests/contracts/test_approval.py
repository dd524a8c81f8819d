"""Approval: what keeps a version from being put in force, and what its owner is told."""

from typing import Any

import pytest

from bus import json
from bus.contracts.approval import (
    Candidate,
    check_approvable,
    check_proposable,
    describe_compatibility,
)
from bus.contracts.binding import Binding, no_adapters
from bus.contracts.compatibility import Verdict
from bus.contracts.document import AdapterUse, Classification, Contract, Kind
from bus.contracts.errors import CompatibilityUndecided, Incompatible, NotReady, StepTooSmall
from bus.contracts.jobs import judge_approval
from bus.contracts.registered import Basis
from bus.problem import Conflict
from tests.builders import SCHEMA, a_grant, a_strict_contract

SERVED = [{"adapter": "badan", "operation": "terima"}]
LENGTHS = SCHEMA["properties"]
SHORTER = SCHEMA | {"properties": LENGTHS | {"nama": {"type": "string", "maxLength": 20}}}
LONGER = SCHEMA | {"properties": LENGTHS | {"nama": {"type": "string", "maxLength": 200}}}
UNDECIDED = [
    SCHEMA | {"properties": LENGTHS | {"nama": {"type": "string", "maxLength": length}}}
    for length in (10_000_001, 10_000_000)
]
"""The second takes less, but only a text that is longer than a comparison makes one would show it."""


def asks_for_sensitive_data(use: AdapterUse) -> Binding:
    """Bindings of an adapter whose operations carry sensitive data."""
    return Binding("badan", frozenset({Kind.RECORD}), Classification.SENSITIVE)


def refusal_of(contract: Contract, *active: Contract) -> Conflict:
    with pytest.raises(Conflict) as refused:
        check_approvable(contract, active, no_adapters)
    return refused.value


def test_a_first_version_may_be_put_in_force() -> None:
    report = check_approvable(a_strict_contract(), [], no_adapters)
    assert (report.verdict, report.findings) == (Verdict.COMPATIBLE, ())


def test_a_version_that_takes_more_than_the_active_one_may_be_put_in_force() -> None:
    wider = a_strict_contract(version="1.1.0", schema=LONGER)
    assert check_approvable(wider, [a_strict_contract()], no_adapters).verdict is Verdict.COMPATIBLE


def test_a_version_with_a_fault_is_not_ready_and_its_owner_is_told_where() -> None:
    faulty = a_strict_contract(key="/nomor", subject="/nik")
    refused = refusal_of(faulty)
    assert isinstance(refused, NotReady)
    assert [error.pointer for error in refused.errors] == ["/key"]


def test_a_version_that_breaks_an_active_one_is_refused_with_the_finding() -> None:
    refused = refusal_of(a_strict_contract(version="2.0.0", schema=SHORTER), a_strict_contract())
    assert isinstance(refused, Incompatible)
    assert "1.0.0" in refused.detail
    assert [error.pointer for error in refused.errors] == ["/schema/properties/nama/maxLength"]
    (finding,) = refused.members["compatibility"]["findings"]
    assert (finding["against"], finding["verdict"], len(finding["example"]["nama"])) == ("1.0.0", "incompatible", 21)


def test_each_active_version_that_would_break_is_named() -> None:
    active = [a_strict_contract(version=version) for version in ("1.0.0", "1.1.0")]
    refused = refusal_of(a_strict_contract(version="2.0.0", schema=SHORTER), *active)
    assert "1.0.0 and 1.1.0" in refused.detail


def test_a_number_that_goes_up_too_little_is_refused_with_the_step_that_it_needs() -> None:
    refused = refusal_of(a_strict_contract(version="1.0.1", schema=LONGER), a_strict_contract())
    assert isinstance(refused, StepTooSmall)
    assert (refused.members["step"], len(refused.errors)) == ("minor", 1)


def test_a_version_that_breaks_and_goes_up_too_little_is_told_both() -> None:
    refused = refusal_of(a_strict_contract(version="1.0.1", schema=SHORTER), a_strict_contract())
    assert isinstance(refused, Incompatible)
    assert len(refused.errors) == 2


def test_what_cannot_be_decided_is_refused_until_somebody_accepts_it() -> None:
    old = a_strict_contract(schema=UNDECIDED[0], examples=None)
    new = a_strict_contract(version="2.0.0", schema=UNDECIDED[1], examples=None)
    assert isinstance(refusal_of(new, old), CompatibilityUndecided)
    assert check_approvable(new, [old], no_adapters, accept_undecided=True).verdict is Verdict.UNDECIDED


def test_to_accept_what_is_undecided_lets_nothing_pass_that_breaks() -> None:
    with pytest.raises(Incompatible):
        check_approvable(
            a_strict_contract(version="2.0.0", schema=SHORTER),
            [a_strict_contract()],
            no_adapters,
            accept_undecided=True,
        )


def test_a_version_that_says_less_than_its_adapter_asks_is_neither_proposed_nor_put_in_force() -> None:
    contract = a_strict_contract(adapters=SERVED)
    with pytest.raises(NotReady) as proposed:
        check_proposable(contract, asks_for_sensitive_data)
    with pytest.raises(NotReady) as approved:
        check_approvable(contract, [], asks_for_sensitive_data)
    for refused in (proposed, approved):
        assert "/classification" in [error.pointer for error in refused.value.errors]


def no_such_operation(use: AdapterUse) -> Binding:
    return Binding("badan", frozenset())


def test_a_version_with_an_operation_that_does_not_exist_is_neither_proposed_nor_put_in_force() -> None:
    contract = a_strict_contract(adapters=SERVED)
    for judge in (check_proposable, lambda contract, bindings: check_approvable(contract, [], bindings)):
        with pytest.raises(NotReady) as refused:
            judge(contract, no_such_operation)
        assert [error.pointer for error in refused.value.errors] == ["/adapters/0/operation"]


def test_a_version_with_a_grant_that_ended_is_neither_proposed_nor_put_in_force_by_itself() -> None:
    contract = a_strict_contract(consumers=[a_grant(until="2020-12-31")])
    candidate = Candidate(contract, Basis(contract.name, contract.version, None, ()), no_adapters, False, True)
    for judge in (lambda: check_proposable(contract, no_adapters), lambda: judge_approval(candidate.document())):
        with pytest.raises(NotReady) as refused:
            judge()
        assert [error.pointer for error in refused.value.errors] == ["/consumers/0/until"]


def test_a_document_with_a_grant_that_ended_may_be_applied() -> None:
    contract = a_strict_contract(consumers=[a_grant(until="2020-12-31")])
    assert check_approvable(contract, [], no_adapters).verdict is Verdict.COMPATIBLE


def test_a_version_with_a_fault_of_its_own_may_be_laid_before_its_owner() -> None:
    check_proposable(a_strict_contract(key="/nomor", subject="/nik"), no_adapters)


def test_a_report_without_findings_says_its_verdict_alone() -> None:
    report = check_approvable(a_strict_contract(), [], no_adapters)
    assert describe_compatibility(report) == {"verdict": "compatible", "findings": []}


@pytest.mark.parametrize(
    ("changes", "accepts", "expected"),
    [
        pytest.param({}, False, b"false", id="decided"),
        pytest.param({"adapters": SERVED}, False, NotReady, id="says less than its adapter asks"),
    ],
)
def test_a_worker_judges_a_candidate_as_this_process_does(
    changes: dict[str, Any], accepts: bool, expected: bytes | type[Conflict]
) -> None:
    contract = a_strict_contract(**changes)
    basis = Basis(contract.name, contract.version, None, ())
    document = Candidate(contract, basis, asks_for_sensitive_data, accepts, True).document()
    assert json.loads(document)["document"] == contract.document
    if isinstance(expected, bytes):
        assert judge_approval(document) == expected
    else:
        with pytest.raises(expected):
            judge_approval(document)
