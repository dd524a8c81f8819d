"""From events that a consumer was shown to the disclosures that this was."""

from collections.abc import Iterable, Mapping, Sequence

from bus.contracts import Catalogue, ContractVersion, View
from bus.disclosures.log import Channel, Disclosure
from bus.journal import Entry

Shown = Mapping[tuple[int, View], Sequence[int]]
"""Positions of the events that were shown, by the number of their version and the view that they were seen through."""


def shown(events: Iterable[tuple[Entry, View]]) -> Shown:
    """The same of events, each with its view."""
    groups: dict[tuple[int, View], list[int]] = {}
    for entry, view in events:
        groups.setdefault((entry.version_id, view), []).append(entry.position)
    return groups


def disclosures(
    events: Iterable[tuple[Entry, View]], catalogue: Catalogue, channel: Channel, client_id: str | None = None
) -> list[Disclosure]:
    """One disclosure for each grant under which personal data were shown; none for other data."""
    return of_shown(shown(events), catalogue, channel, client_id)


def of_shown(groups: Shown, catalogue: Catalogue, channel: Channel, client_id: str | None = None) -> list[Disclosure]:
    """The same of events that are grouped already."""
    versions = {number: catalogue.version_numbered(number) for number, _ in groups}
    return [
        of_grant(versions[number], view, channel, client_id=client_id, positions=positions)
        for (number, view), positions in groups.items()
        if versions[number].is_personal
    ]


def of_grant(
    version: ContractVersion,
    view: View,
    channel: Channel,
    *,
    client_id: str | None = None,
    positions: Iterable[int] = (),
    person: str | None = None,
) -> Disclosure:
    """The disclosure of some events, or of one person in a query's answer, under a grant."""
    grant = view.grant
    return Disclosure(
        participant=grant.participant,
        client_id=client_id,
        channel=channel,
        contract_id=version.contract_id,
        version=version.contract.version,
        purpose=grant.purpose,
        legal_basis=grant.legal_basis,
        fields=view.fields_granted,
        positions=tuple(positions),
        person=person,
    )
