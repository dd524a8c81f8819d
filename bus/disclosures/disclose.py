"""Makes disclosures of the events that a consumer was shown."""

from collections.abc import Iterable, Mapping, Sequence

from bus.contracts import Catalogue, ContractVersion, View
from bus.disclosures.disclosure import Channel, Disclosure
from bus.journal import Entry

Shown = Mapping[tuple[int, View], Sequence[int]]
"""The positions of shown events, by the number of their contract version and the consumer's view."""


def group_shown(events: Iterable[tuple[Entry, View]]) -> Shown:
    """The positions of events, grouped by version and view.

    Args:
        events: each event with the view through which the consumer saw it.
    """
    groups: dict[tuple[int, View], list[int]] = {}
    for entry, view in events:
        groups.setdefault((entry.version_id, view), []).append(entry.position)
    return groups


def make_disclosures(
    events: Iterable[tuple[Entry, View]], catalogue: Catalogue, channel: Channel, client_id: str | None = None
) -> list[Disclosure]:
    """A disclosure for each version and view that showed personal data; none for other data."""
    return make_group_disclosures(group_shown(events), catalogue, channel, client_id)


def make_group_disclosures(
    groups: Shown, catalogue: Catalogue, channel: Channel, client_id: str | None = None
) -> list[Disclosure]:
    """A disclosure for each group of personal data; none for other data."""
    versions = {number: catalogue.version_numbered(number) for number, _ in groups}
    return [
        make_disclosure(versions[number], view, channel, client_id=client_id, positions=positions)
        for (number, view), positions in groups.items()
        if versions[number].is_personal
    ]


def make_disclosure(
    version: ContractVersion,
    view: View,
    channel: Channel,
    *,
    client_id: str | None = None,
    positions: Iterable[int] = (),
    person: str | None = None,
) -> Disclosure:
    """The disclosure of events, or of a query's answer about a person, under the view's grant."""
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
