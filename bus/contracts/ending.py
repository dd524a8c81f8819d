"""Ending grants: who gets nothing any more after which day, where no later version renews the grant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bus.contracts.document import Contract


@dataclass(frozen=True, slots=True)
class EndingGrant:
    """A grant of a version in force.

    Attributes:
        owner: the participant that may renew it by a new version.
        until: its last day.
    """

    contract: str
    participant: str
    owner: str
    until: date


def find_ending_grants(
    contracts: Iterable[tuple[str, Sequence[Contract]]], today: date, days: int
) -> list[EndingGrant]:
    """The grants that end within some days, and those that ended within as many days before. The first to end comes first.

    Args:
        contracts: each contract's name with its versions in force, oldest first, as `Catalogue.walk_contracts` gives them.
    """
    latest: dict[tuple[str, str], EndingGrant] = {}
    endless: set[tuple[str, str]] = set()
    for name, versions in contracts:
        for version in versions:
            for grant in version.grants:
                one = (name, grant.participant)
                if grant.until is None:
                    endless.add(one)
                elif one not in latest or latest[one].until <= grant.until:
                    # Where several versions are in force, the grant that ends last counts.
                    latest[one] = EndingGrant(name, grant.participant, version.owner, grant.until)
    found = [one for named, one in latest.items() if named not in endless]
    return sorted(
        (one for one in found if abs((one.until - today).days) <= days),
        key=lambda one: (one.until, one.contract, one.participant),
    )
