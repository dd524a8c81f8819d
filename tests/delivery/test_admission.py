"""Admission: what a participant may subscribe to, by what, in which order and where to."""

import shutil
import socket
from collections.abc import Iterator, Sequence
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bus.contracts import Catalogue, FilterInvalid, GrantExpired, NotBound, NotGranted
from bus.contracts.document import parse_contract
from bus.delivery.address import SinkAddressRefused
from bus.delivery.admission import (
    FilterTooLarge,
    SinkNotYours,
    SubscriptionRefused,
    VersionView,
    check_contracts,
    check_filter_size,
    check_filters,
    check_order,
    check_sink,
)
from bus.delivery.names import FoundAddress, Names
from bus.delivery.subscription import AgencySink, Sink, Webhook
from bus.limits import Policy
from bus.problem import Refused
from bus.storage import open_storage
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, agencies_with
from tests.builders import WARGA, Document, a_document, a_grant

TODAY = date(2026, 7, 1)
QUERY: Document = {
    "contract": "kependudukan.tanya",
    "kind": "query",
    "key": None,
    "schema": None,
    "request": {"type": "object", "properties": {"nik": {"type": "string"}}, "required": ["nik"]},
    "answer": {"type": "object"},
}
ADDRESSES = {"pajak.example": "8.8.8.8", "dalam.example": "10.0.0.7"}


@pytest.fixture
def catalogue(sqlite_template: Path, tmp_path: Path) -> Iterator[Catalogue]:
    """Without contracts."""
    storage = open_storage(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'bus.db')}")
    yield Catalogue(storage, b"k" * 32)
    storage.close()


def apply(catalogue: Catalogue, *documents: Document) -> None:
    catalogue.registrar.apply([parse_contract(document) for document in documents], OPERATOR)


def seen_with(catalogue: Catalogue, **grant: Any) -> Sequence[VersionView]:
    """The residents' contract as bapenda sees it under a grant."""
    apply(catalogue, a_document(a_grant(**grant)))
    return check_contracts(catalogue, [WARGA], "bapenda", TODAY)


def places(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [error.pointer for error in refused.value.errors]


# Contracts.


def test_who_has_a_grant_subscribes_to_all_versions_in_force(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant()), a_document(a_grant(), version="1.1.0"))
    seen = check_contracts(catalogue, [WARGA], "bapenda", TODAY)
    assert [(version.contract.version, view is not None) for version, view in seen] == [
        ("1.0.0", True),
        ("1.1.0", True),
    ]


def test_a_version_without_a_grant_is_not_seen(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant()), a_document(version="1.1.0"))
    seen = check_contracts(catalogue, [WARGA], "bapenda", TODAY)
    assert [view is not None for _, view in seen] == [True, False]


def test_each_name_that_means_no_events_is_told(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant()), a_document(a_grant(), **QUERY))
    with pytest.raises(SubscriptionRefused) as refused:
        check_contracts(catalogue, ["tiada.ada", WARGA, QUERY["contract"]], "bapenda", TODAY)
    assert places(refused) == ["/contracts/0", "/contracts/2"]


def test_without_a_grant_nothing_is_subscribed_to(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant("dinkes")))
    with pytest.raises(NotGranted):
        check_contracts(catalogue, [WARGA], "bapenda", TODAY)


@pytest.mark.parametrize(("until", "has_ended"), [("2026-06-30", True), ("2026-07-01", False)])
def test_a_grant_is_enough_to_the_end_of_its_last_day(catalogue: Catalogue, until: str, has_ended: bool) -> None:
    apply(catalogue, a_document(a_grant(until=until)))
    if has_ended:
        with pytest.raises(GrantExpired):
            check_contracts(catalogue, [WARGA], "bapenda", TODAY)
    else:
        assert check_contracts(catalogue, [WARGA], "bapenda", TODAY)


# Filters.


POLICY = Policy(filter_nodes=3, filter_bytes=60)


@pytest.mark.parametrize("filters", [[], [{"exact": {"type": "a"}}]], ids=["none", "as many parts as allowed"])
def test_filters_may_be_as_large_as_the_participants_limits_allow(filters: list[Any]) -> None:
    check_filter_size(filters, POLICY)


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param([{"exact": {"type": "a", "id": "b"}}], id="one part more"),
        pytest.param([{"not": {"not": {"not": {}}}}], id="nested parts"),
        pytest.param([{"exact": {"type": "x" * 100}}], id="a long text"),
    ],
)
def test_larger_filters_are_refused_where_they_stand(filters: list[Any]) -> None:
    with pytest.raises(FilterTooLarge) as refused:
        check_filter_size(filters, POLICY, "/consumers/0/rows")
    assert places(refused) == ["/consumers/0/rows"]


def test_filters_over_what_every_view_shows_are_taken(catalogue: Catalogue) -> None:
    seen = seen_with(catalogue, fields=["/nama"])
    check_filters([{"any": [{"exact": {"source": "/uji"}}, {"not": {"prefix": {"partitionkey": "35"}}}]}], seen)


@pytest.mark.parametrize("name", ["data", "Kecamatan", "a-b"])
def test_what_is_no_attribute_is_no_filter(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(FilterInvalid) as refused:
        check_filters([{"exact": {"type": "a"}}, {"all": [{"prefix": {name: "x"}}]}], seen_with(catalogue))
    assert places(refused) == [f"/filters/1/all/0/prefix/{name}"]


def test_an_attribute_that_a_grant_hides_tells_nothing_by_a_filter(catalogue: Catalogue) -> None:
    """Otherwise who may not see it would learn it from what comes and what does not."""
    filters = [{"exact": {"kecamatan": "babat"}}]
    with pytest.raises(FilterInvalid) as refused:
        check_filters(filters, seen_with(catalogue, fields=["/nama"]))
    assert places(refused) == ["/filters/0/exact/kecamatan"]


# Order.


@pytest.mark.parametrize("pointer", [None, "/nama", "/lahir/tempat"])
def test_deliveries_are_ordered_by_what_the_consumer_sees(catalogue: Catalogue, pointer: str | None) -> None:
    check_order(seen_with(catalogue), pointer)


@pytest.mark.parametrize("pointer", ["nik", "", "/lahir/*", "/umur"])
def test_nothing_is_ordered_by_what_is_no_declared_value(catalogue: Catalogue, pointer: str) -> None:
    with pytest.raises(SubscriptionRefused) as refused:
        check_order(seen_with(catalogue), pointer)
    assert places(refused) == ["/ordered_by"]


@pytest.mark.parametrize("grant", [{"fields": ["/nik"]}, {"mask": {"/nama": "redact"}}], ids=["left out", "masked"])
def test_nothing_is_ordered_by_what_the_grant_hides(catalogue: Catalogue, grant: Document) -> None:
    with pytest.raises(SubscriptionRefused):
        check_order(seen_with(catalogue, **grant), "/nama")


# Sinks.


def look_up(host: str) -> Sequence[FoundAddress]:
    """Name servers that know a few hosts."""
    if host not in ADDRESSES:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return [FoundAddress(socket.AF_INET, 6, ADDRESSES[host])]


async def try_sink(
    catalogue: Catalogue, sink: Sink, participant: str = "bapenda", *, by_operator: bool = False, **allowed: Any
) -> None:
    """Check a sink for deliveries of the residents."""
    networks = [ip_network(one) for one in allowed.get("networks", ())]
    await check_sink(
        sink,
        participant,
        [WARGA],
        catalogue,
        agencies_with(AnAdapter()),
        networks,
        Names(look_up),
        hosts=allowed.get("hosts", ()),
        is_operator=by_operator,
    )


@pytest.mark.parametrize("host", ["pajak.example", "belum.example"], ids=["public", "not known yet"])
async def test_a_webhook_is_at_a_public_address_or_at_one_that_deliveries_check(
    catalogue: Catalogue, host: str
) -> None:
    await try_sink(catalogue, Webhook(f"https://{host}/hook"))


@pytest.mark.parametrize(
    "url",
    ["https://dalam.example/hook", "http://pajak.example/hook", "https://127.0.0.1/hook", "https://a:b@c.example/"],
)
async def test_a_webhook_elsewhere_is_refused_at_its_address(catalogue: Catalogue, url: str) -> None:
    with pytest.raises(SinkAddressRefused) as refused:
        await try_sink(catalogue, Webhook(url))
    assert places(refused) == ["/sink/url"]


async def test_a_webhook_may_be_in_a_network_that_the_operator_allows(catalogue: Catalogue) -> None:
    await try_sink(catalogue, Webhook("http://dalam.example/hook"), networks=["10.0.0.0/8"])


async def test_a_webhook_may_be_only_at_a_host_on_the_operators_list(catalogue: Catalogue) -> None:
    with pytest.raises(SinkAddressRefused):
        await try_sink(catalogue, Webhook("https://pajak.example/hook"), hosts=["lain.example"])


async def test_an_adapters_own_participant_or_the_operator_subscribes_it(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant(AGENCY), adapters=[{"adapter": AGENCY, "operation": TAKE}]))
    sink = AgencySink(AGENCY, TAKE)
    await try_sink(catalogue, sink, AGENCY)
    await try_sink(catalogue, sink, by_operator=True)
    with pytest.raises(SinkNotYours):
        await try_sink(catalogue, sink)


@pytest.mark.parametrize("sink", [AgencySink(AGENCY, ASK), AgencySink("lain", TAKE)], ids=["a query", "not set up"])
async def test_an_adapter_takes_only_what_it_delivers(catalogue: Catalogue, sink: AgencySink) -> None:
    with pytest.raises(SubscriptionRefused) as refused:
        await try_sink(catalogue, sink, AGENCY)
    assert places(refused) == ["/sink/operation"]


async def test_an_adapter_gets_nothing_of_a_contract_that_does_not_name_it(catalogue: Catalogue) -> None:
    apply(catalogue, a_document(a_grant(AGENCY)))
    with pytest.raises(NotBound):
        await try_sink(catalogue, AgencySink(AGENCY, TAKE), AGENCY)
