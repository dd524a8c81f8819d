"""The run of a poll or a push: who publishes, under which versions, and whether these let the operation publish."""

from functools import partial

from bus.agencies.publication import Run
from bus.agencies.registry import Agencies
from bus.agencies.round import Round
from bus.contracts import Catalogue
from bus.kit import Operation
from bus.refusals import Poll


def make_run(catalogue: Catalogue, agencies: Agencies, adapter: str, operation: Operation, steps: Round) -> Run:
    """The run, if the newest version lets the operation publish.

    Raises:
        NoSuchContract, NotBound, ContractSaysLess: it does not.
        AgencyPaused: the operator paused the operation.
        AdapterOff: the adapter serves no more.
    """
    newest = catalogue.newest(operation.contract or "")
    check = partial(_check_version, catalogue, agencies, adapter, operation)
    check(newest.id)
    agencies.check_not_paused(adapter, operation.name)
    participant = agencies.find_participant(adapter)
    poll = Poll(adapter, operation.name)
    return Run(poll, operation, participant, newest, name_versions(catalogue, operation), check, steps)


def name_versions(catalogue: Catalogue, operation: Operation) -> str:
    """Names the versions in force of an operation's contract."""
    return ",".join(str(one.id) for one in catalogue.in_force(operation.contract or ""))


def _check_version(
    catalogue: Catalogue, agencies: Agencies, adapter: str, operation: Operation, version_id: int
) -> None:
    contract = catalogue.version_numbered(version_id).contract
    in_force = [one.contract for one in catalogue.in_force(contract.name)]
    agencies.check_serves(contract, in_force, adapter, operation.name)
