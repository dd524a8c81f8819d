"""Applying contract documents: makes the plan before anything is changed, and carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bus.actions import Actor
from bus.contracts.approval import check_approvable
from bus.contracts.binding import Bindings
from bus.contracts.document import Contract
from bus.contracts.domains import check_domain
from bus.contracts.errors import PlanRefused, VersionTaken
from bus.contracts.granted import Granted, find_granted, grants_persons_data
from bus.contracts.ownership import check_owner
from bus.contracts.register import activate, check_basis, put_draft, refuse_taken
from bus.contracts.registered import Basis, RegisteredVersion, read_basis, version_order
from bus.problem import FieldError, Refused
from bus.storage import Transaction


class Change(Enum):
    """What applying a document does."""

    ADD = "add"
    REPLACE_DRAFT = "replace draft"
    ACTIVATE = "activate"


@dataclass(frozen=True, slots=True)
class Step:
    """What applying one document does. Without changes, the version is registered already.

    Attributes:
        basis: the state of the register when the step was planned.
        granted: what the version newly grants.
        refusal: why the step cannot be done; None: it can.
    """

    contract: Contract
    basis: Basis
    changes: tuple[Change, ...]
    granted: tuple[Granted, ...] = ()
    refusal: Refused | None = None

    def __str__(self) -> str:
        done = " and ".join(change.value for change in self.changes) or "unchanged"
        return f"{self.contract.name} {self.contract.version}: {'refused' if self.refusal else done}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying documents does, by name and version, lower versions first."""

    steps: tuple[Step, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether one of the steps changes anything."""
        return any(step.changes for step in self.steps)

    @property
    def grants_persons_data(self) -> bool:
        """Whether a step newly grants data about persons, which somebody must have seen."""
        return any(grants_persons_data(step.contract, step.granted) for step in self.steps)

    def check(self) -> None:
        """Refuse a plan that cannot be carried out as a whole.

        Raises:
            Refused: the refusal of the only refused step. For several refused steps `PlanRefused`, which names each.
        """
        refused = [step for step in self.steps if step.refusal]
        if len(refused) == 1 and refused[0].refusal:
            raise refused[0].refusal
        if refused:
            raise PlanRefused(
                f"{len(refused)} of {len(self.steps)} documents are refused.",
                errors=[FieldError("", f"{step}: {step.refusal}") for step in refused],
            )


def plan_contracts(transaction: Transaction, contracts: Sequence[Contract], actor: Actor, bindings: Bindings) -> Plan:
    """What applying the documents would do; a step that cannot be done says why.

    Raises:
        VersionTaken: a version is given twice.
    """
    ordered = sorted(contracts, key=lambda contract: (contract.name, version_order(contract.version)))
    _check_repeats(ordered)
    steps: list[Step] = []
    for contract in ordered:
        # The step is judged as if the steps before it were done: they will be.
        before = [step.contract for step in steps if step.changes and step.contract.name == contract.name]
        steps.append(_plan_step(transaction, contract, before, actor, bindings))
    return Plan(tuple(steps))


def carry_out(transaction: Transaction, plan: Plan, actor: Actor, bindings: Bindings) -> None:
    """Do what a plan says.

    The action log then says that the actor saw what the plan newly grants. So the caller shows it, or made the documents.

    Raises:
        Refused: what `Plan.check` and the register say.
        ChangedMeanwhile: the register changed since the plan was made.
    """
    plan.check()
    changing = [step for step in plan.steps if step.changes]
    for step in changing:
        check_basis(transaction, step.basis)
    for step in changing:
        registered = put_draft(transaction, step.contract, actor)
        basis = read_basis(transaction, registered.name, registered.version)
        activate(transaction, basis, actor, bindings, grants_seen=bool(step.granted))


def _plan_step(
    transaction: Transaction, contract: Contract, before: Sequence[Contract], actor: Actor, bindings: Bindings
) -> Step:
    basis = read_basis(transaction, contract.name, contract.version)
    changes = _find_changes(basis.present, contract)
    against = [*(one.contract for one in basis.active), *before]
    granted = tuple(find_granted(contract, against)) if changes else ()
    try:
        check_owner(transaction, contract, actor)
        if changes:
            check_domain(transaction, contract.name, actor)
        if basis.present and not changes and not basis.present.holds(contract):
            raise refuse_taken(contract, basis.present.state)
        if changes:
            check_approvable(contract, against, bindings)
    except Refused as refusal:
        return Step(contract, basis, changes, granted, refusal)
    return Step(contract, basis, changes, granted)


def _find_changes(present: RegisteredVersion | None, contract: Contract) -> tuple[Change, ...]:
    if present is None:
        return (Change.ADD, Change.ACTIVATE)
    if not present.is_free:
        return ()
    return (Change.ACTIVATE,) if present.holds(contract) else (Change.REPLACE_DRAFT, Change.ACTIVATE)


def _check_repeats(contracts: Sequence[Contract]) -> None:
    seen: set[tuple[str, str]] = set()
    for contract in contracts:
        if (contract.name, contract.version) in seen:
            raise VersionTaken(f"{contract.name} {contract.version} is given twice.")
        seen.add((contract.name, contract.version))
