"""From events that a consumer was shown to the disclosures that this was."""

from collections.abc import Iterable

from bus.audit.log import Channel, Disclosure
from bus.contracts.catalogue import Catalogue, ContractVersion
from bus.contracts.view import View
from bus.journal import Entry


def disclosures(
    shown: Iterable[tuple[Entry, View]], catalogue: Catalogue, channel: Channel, client_id: str | None = None
) -> list[Disclosure]:
    """One disclosure for each grant under which personal data were shown; none for other data."""
    groups: dict[tuple[int, int], tuple[ContractVersion, View, list[int]]] = {}
    for entry, view in shown:
        version = catalogue.version_numbered(entry.version_id)
        if version.is_personal:
            group = groups.setdefault((version.id, id(view)), (version, view, []))
            group[2].append(entry.position)
    return [
        of_grant(version, view, channel, client_id=client_id, positions=positions)
        for version, view, positions in groups.values()
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
    """The disclosure of some events, or of a query's answer about a person, under a grant."""
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
