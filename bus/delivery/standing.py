"""Standing subscriptions: the bus itself subscribes an adapter to the contracts that name its delivery."""

import re
from collections.abc import Iterator

from bus.actions import Channel, identify_operator
from bus.agencies import Agencies
from bus.contracts import AdapterUses, Catalogue
from bus.delivery.subscription import AgencySink, NewSubscription
from bus.delivery.subscriptions import Subscriptions
from bus.kit import Does

AdapterSubscription = tuple[str, str, AgencySink]
"""Participant, contract and sink."""


def list_standing_subscriptions(catalogue: Catalogue, agencies: Agencies) -> list[AdapterSubscription]:
    """The standing subscriptions of the agencies that are set up here.

    A contract in force gives one for each adapter delivery that it names, if the adapter's participant has a grant.
    Without a grant there is nothing to deliver, and the subscription would pass the events before a later grant.
    """
    return [
        (participant, uses.name, sink)
        for uses in catalogue.list_adapter_uses()
        for participant, sink in _list_sinks(uses, agencies)
        if participant in uses.granted
    ]


def ensure_standing_subscriptions(catalogue: Catalogue, agencies: Agencies, subscriptions: Subscriptions) -> None:
    """Make the standing subscriptions that do not exist yet, each from the beginning of the journal.

    Their ids are fixed, so it does no harm to call this again, or in several processes at once.
    """
    by = identify_operator(Channel.PROCESS)
    present = {subscription.id for subscription in subscriptions.listed(None)}
    for participant, contract, sink in list_standing_subscriptions(catalogue, agencies):
        known_as = make_standing_id(sink, contract)
        if known_as not in present:
            subscriptions.add(NewSubscription(participant, [contract], sink), by, known_as)


def make_standing_id(sink: AgencySink, contract: str) -> str:
    """The id, such as `sub_kemendagri_data-balikan_kependudukan_data-balikan`. It has no dots: they separate a delivery's id."""
    return re.sub(r"[^a-z0-9-]", "_", f"sub_{sink.adapter}_{sink.operation}_{contract}".lower())


def _list_sinks(uses: AdapterUses, agencies: Agencies) -> Iterator[tuple[str, AgencySink]]:
    for use in uses.adapters:
        if agencies.find_operation(use.adapter, use.operation, Does.DELIVER) is not None:
            yield agencies.find_participant(use.adapter), AgencySink(use.adapter, use.operation)
