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
    found = [one for name, versions in contracts for one in list_ends(name, versions)]
    return sorted(
        (one for one in found if abs((one.until - today).days) <= days),
        key=lambda one: (one.until, one.contract, one.participant),
    )


def list_ends(name: str, versions: Sequence[Contract]) -> list[EndingGrant]:
    """The grants of one contract that end, whenever that is.

    Args:
        versions: its versions in force, oldest first. Where several have a grant of a participant, the last end counts.
    """
    latest: dict[str, EndingGrant] = {}
    endless: set[str] = set()
    for version in versions:
        for grant in version.grants:
            who = grant.participant
            if grant.until is None:
                endless.add(who)
            elif who not in latest or latest[who].until <= grant.until:
                latest[who] = EndingGrant(name, who, version.owner, grant.until)
    return [one for who, one in latest.items() if who not in endless]
