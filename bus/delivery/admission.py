"""Admission: decides what a participant may subscribe to, and with which sink, when it asks for a subscription.

Each delivery checks grants and addresses again. The check here tells the subscriber at once.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from bus import json
from bus.agencies import Agencies
from bus.contracts import (
    Catalogue,
    ContractVersion,
    FilterInvalid,
    GrantExpired,
    Kind,
    NotGranted,
    View,
    Visibility,
    compile_filter,
    has_property,
    read_attribute,
)
from bus.delivery.address import Lookup, SinkAddressRefused, check_url
from bus.delivery.names import Names
from bus.delivery.subscription import AgencySink, Sink, Webhook
from bus.kit import BUS_ATTRIBUTES, CORE_ATTRIBUTES, Does
from bus.limits import Policy
from bus.networks import Address, Network
from bus.problem import FieldError, Forbidden, Refused

_ATTRIBUTE = re.compile(r"[a-z0-9]{1,64}")
"""Names of core attributes and extensions (CloudEvents 1.0.2, "Naming conventions")."""
_ALWAYS_SEEN = CORE_ATTRIBUTES | BUS_ATTRIBUTES | {"partitionkey"}
"""Attributes that a view always shows, perhaps changed. A filter judges the form that the consumer sees."""

VersionView = tuple[ContractVersion, View | None]
"""A version, and a participant's view of its events; None: it sees none of them."""


class SubscriptionRefused(Refused):
    """A subscription like this would deliver nothing."""

    status = 422
    slug = "subscription-refused"


class FilterTooLarge(Refused):
    """The filters of a subscription, or the rows of a grant, are larger than allowed."""

    status = 422
    slug = "filter-too-large"


class SinkNotYours(Forbidden):
    """Only the adapter's own participant, or the operator, subscribes for an agency's adapter."""

    slug = "sink-not-yours"


def check_contracts(catalogue: Catalogue, names: Sequence[str], participant: str, today: date) -> Sequence[VersionView]:
    """Refuse unknown contracts, queries, and contracts without a grant for the participant.

    Returns:
        The versions in force of all of them, each with the participant's view of its events.

    Raises:
        SubscriptionRefused: with the pointer of each name that means no events.
        GrantSuspended, NotGranted, GrantExpired: no version in force grants the participant anything (any more).
    """
    found = {name: catalogue.in_force(name) for name in names}
    if errors := [
        error for at, name in enumerate(names) if (error := _find_without_events(found[name], at)) is not None
    ]:
        raise SubscriptionRefused("Subscribe to contracts of kind event or record that are in force.", errors=errors)
    for name, versions in found.items():
        if (suspension := catalogue.find_suspension(name, participant)) is not None:
            raise suspension.refuse()
        _check_grant(name, versions, participant, today)
    return [seen for name in found for seen in find_views(catalogue, name, participant, today)]


def find_views(catalogue: Catalogue, name: str, participant: str, today: date) -> Iterator[VersionView]:
    """The versions in force of a contract, each with a participant's view of its events; None: it has no view."""
    for version in catalogue.in_force(name):
        try:
            yield version, catalogue.view(name, participant, version.id, today)
        except Forbidden:
            yield version, None


def find_withheld(
    catalogue: Catalogue, names: Sequence[str], participant: str, today: date
) -> Iterator[tuple[str, Refused]]:
    """The contracts of which a participant gets no event now, each with the reason."""
    for name in names:
        try:
            versions = catalogue.in_force(name) or [catalogue.newest(name)]
            refusals = [_find_refusal(catalogue, version, participant, today) for version in reversed(versions)]
        except Refused as refusal:
            refusals = [refusal]
        if (newest := refusals[0]) is not None and None not in refusals:
            yield name, newest


def _find_refusal(catalogue: Catalogue, version: ContractVersion, participant: str, today: date) -> Refused | None:
    try:
        catalogue.view(version.contract.name, participant, version.id, today)
    except Forbidden as refusal:
        return refusal
    return None


def _find_without_events(versions: Sequence[ContractVersion], at: int) -> FieldError | None:
    if not versions:
        return FieldError(f"/contracts/{at}", "is the name of no contract in force")
    if versions[-1].contract.kind is Kind.QUERY:
        return FieldError(f"/contracts/{at}", "is a query, which has no events")
    return None


def _check_grant(name: str, versions: Sequence[ContractVersion], participant: str, today: date) -> None:
    grants = [grant for version in versions if (grant := version.contract.grant(participant)) is not None]
    if not grants:
        raise NotGranted(f"{participant} has no grant in {name}.")
    if all(grant.has_ended(today) for grant in grants):
        raise GrantExpired(f"The grant of {participant} in {name} ended on {grants[-1].until}.")


def check_filter_size(filters: Sequence[Any], policy: Policy, at: str = "/filters") -> None:
    """Refuse filters that are so large that they would hold up every event.

    Args:
        at: pointer of the filters in the request.

    Raises:
        FilterTooLarge: the filters have more parts, or more bytes, than the participant's limits allow.
    """
    if _count_parts(filters, policy.filter_nodes) > policy.filter_nodes:
        raise _refuse_size(at, f"has more than {policy.filter_nodes} tests and combinations")
    if len(json.dumps(filters)) > policy.filter_bytes:
        raise _refuse_size(at, f"has more than {policy.filter_bytes} bytes")


def _refuse_size(at: str, detail: str) -> FilterTooLarge:
    return FilterTooLarge("Filter by less, or by a prefix.", errors=[FieldError(at, detail)])


def _count_parts(filters: Sequence[Any], most: int) -> int:
    """The number of names, values and combinations in filters. Counting ends soon after `most`."""
    found = 0
    left: list[Any] = list(filters)
    while left and found <= most:
        part = left.pop()
        found += 1
        if isinstance(part, dict):
            left += part.values()
        elif isinstance(part, list):
            left += part
    return found


def check_filters(filters: Sequence[Any], seen: Iterable[VersionView]) -> None:
    """Refuse filters that are malformed, or that ask for attributes which the consumer does not see.

    Raises:
        FilterInvalid: with the pointer of what is wrong.
    """
    hidden = [view for _, view in seen if view is not None and view.cuts]
    for index, expression in enumerate(filters):
        at = f"/filters/{index}"
        compile_filter(expression, read_attribute, at)
        named = list(_list_names(expression, at))
        if errors := [
            FieldError(place, "is no context attribute: small letters and digits, and not data")
            for name, place in named
            if not _ATTRIBUTE.fullmatch(name) or name == "data"
        ]:
            raise FilterInvalid("A subscription filters by context attributes.", errors=errors)
        if errors := [
            FieldError(place, f"is an attribute that your grant in {view.contract} {view.version} does not show")
            for name, place in named
            for view in hidden
            if name not in _ALWAYS_SEEN and name not in view.attributes
        ]:
            raise FilterInvalid("A subscription filters by what its grants show.", errors=errors)


def _list_names(expression: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    """The attribute names in an expression that compiles, each with its pointer."""
    for dialect, operand in expression.items():
        below = f"{at}/{dialect}"
        if dialect in ("all", "any"):
            for index, part in enumerate(operand):
                yield from _list_names(part, f"{below}/{index}")
        elif dialect == "not":
            yield from _list_names(operand, below)
        else:
            yield from ((name, below + json.to_pointer((name,))) for name in operand)


def check_order(seen: Sequence[VersionView], ordered_by: str | None) -> None:
    """Refuse an order by a field that the data do not have, or that the consumer does not see unmasked.

    Raises:
        SubscriptionRefused: `ordered_by` is no JSON Pointer, or a schema does not declare it, or a grant does not show it.
    """
    if ordered_by is None:
        return
    # An asterisk means every item of an array, so it names no single field to order by.
    if not ordered_by.startswith("/") or "*" in json.parse_pointer(ordered_by):
        raise _refuse_order("is not a JSON Pointer (RFC 6901) to one value, such as /nik")
    for version, view in seen:
        named = f"{version.contract.name} {version.contract.version}"
        if not has_property(version.contract.sent, ordered_by):
            raise _refuse_order(f"points at nothing that {named} declares")
        if view is not None and view.visibility(ordered_by) is not Visibility.SHOWN:
            raise _refuse_order(f"points at what your grant in {named} does not show, or shows masked")


def _refuse_order(detail: str) -> SubscriptionRefused:
    return SubscriptionRefused("Nothing can be ordered by this.", errors=[FieldError("/ordered_by", detail)])


async def check_sink(
    sink: Sink,
    participant: str,
    contracts: Sequence[str],
    catalogue: Catalogue,
    agencies: Agencies,
    allowed: Sequence[Network],
    names: Names,
    *,
    hosts: Sequence[str],
    is_operator: bool,
) -> None:
    """Refuse a sink to which the bus may not, or cannot, deliver.

    Args:
        contracts: the names of the subscribed contracts.
        allowed: networks where webhooks may be private or plain http.
        hosts: patterns of the hosts where webhooks may be; empty: every host.
        names: the process's look-ups; the participant has a share of them.

    Raises:
        SinkAddressRefused: the bus may not deliver to the webhook's address.
        SinkNotYours: the adapter belongs to another participant.
        SubscriptionRefused: the adapter does not offer this delivery, or is not set up here.
        NotBound: a contract does not name the adapter's operation.
        ContractSaysLess: a contract protects its data less than the operation demands.
    """
    if isinstance(sink, Webhook):
        await _check_webhook(sink, allowed, hosts, partial(_find_addresses, names, participant))
    elif isinstance(sink, AgencySink):
        _check_agency(sink, participant, agencies, is_operator=is_operator)
        _check_bound(sink, contracts, catalogue, agencies)


async def _find_addresses(names: Names, participant: str, host: str) -> Sequence[Address]:
    """The addresses of a host name; none if it does not resolve: each connection checks again."""
    try:
        return [ipaddress.ip_address(one.address) for one in await names.resolve(host, participant)]
    except OSError:
        return ()


async def _check_webhook(sink: Webhook, allowed: Sequence[Network], hosts: Sequence[str], resolve: Lookup) -> None:
    try:
        await check_url(sink.url, allowed, resolve, hosts=hosts)
    except SinkAddressRefused as refusal:
        error = FieldError("/sink/url", refusal.detail)
        raise SinkAddressRefused("The bus does not deliver to this address.", errors=[error]) from None


def _check_agency(sink: AgencySink, participant: str, agencies: Agencies, *, is_operator: bool) -> None:
    if agencies.find_operation(sink.adapter, sink.operation, Does.DELIVER) is None:
        error = FieldError("/sink/operation", "is no delivery of an adapter that is set up on this bus")
        raise SubscriptionRefused("Nothing can be delivered to this.", errors=[error])
    if not is_operator and agencies.find_participant(sink.adapter) != participant:
        raise SinkNotYours(f"{participant} is not the participant of the adapter {sink.adapter}.")


def _check_bound(sink: AgencySink, contracts: Sequence[str], catalogue: Catalogue, agencies: Agencies) -> None:
    for name in contracts:
        in_force = [version.contract for version in catalogue.in_force(name)]
        for contract in in_force:
            agencies.check_serves(contract, in_force, sink.adapter, sink.operation)
