"""Lists: where they go on and where they end, row by row, and with one secret less in what is stored."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bus.declared.adapter import DeclaredAdapter
from bus.declared.document import Paging
from bus.declared.paging import PageFacts, Place, find_first, find_next, find_restart, read_place
from bus.kit import AgencyFault, Failure, Polled
from tests.declared.a_declared_agency import AnAgency, a_declaration, a_poll

ROWS = [{"id": f"r{number}", "nama": f"Baris {number}"} for number in range(7)]
KEYS = [row["id"] for row in ROWS]


def a_paged(paging: dict[str, Any], query: dict[str, str], **changes: Any) -> dict[str, Any]:
    return a_poll(request={"method": "GET", "path": "/baris", "query": query}, paging={"limit": 3, **paging}, **changes)


def parameters(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}


def by_offset(request: httpx.Request) -> httpx.Response:
    asked = parameters(request)
    at, limit = int(asked["offset"]), int(asked["limit"])
    return httpx.Response(200, json={"data": ROWS[at : at + limit], "jumlah": str(len(ROWS))})


def by_page(request: httpx.Request) -> httpx.Response:
    at = (int(parameters(request)["halaman"]) - 1) * 3
    return httpx.Response(200, json={"data": ROWS[at : at + 3]})


def by_cursor(request: httpx.Request) -> httpx.Response:
    at = int(parameters(request).get("sejak", "0"))
    onward = {"berikut": str(at + 3)} if at + 3 < len(ROWS) else {}
    return httpx.Response(200, json={"data": ROWS[at : at + 3], **onward})


def by_link(request: httpx.Request) -> httpx.Response:
    at = int(parameters(request).get("mulai", "0"))
    headers = {"link": f'</api/baris?mulai={at + 3}&kunci=k-1>; rel="next"'} if at + 3 < len(ROWS) else {}
    return httpx.Response(200, json={"data": ROWS[at : at + 3]}, headers=headers)


async def all_steps(adapter: DeclaredAdapter, cursor: str | None = None) -> list[Polled]:
    steps = [await adapter.poll("tarik", cursor)]
    while steps[-1].more:
        assert len(steps) < 20
        steps.append(await adapter.poll("tarik", steps[-1].cursor))
    return steps


def keys(steps: Sequence[Polled]) -> list[str | None]:
    return [row.key for step in steps if step.rows for row in step.rows.rows]


OFFSET = {"offset": "$offset", "limit": "$limit"}
FORMS: list[tuple[dict[str, Any], dict[str, str], Any, int]] = [
    ({"kind": "offset"}, OFFSET, by_offset, 4),
    ({"kind": "offset", "total": "jumlah"}, OFFSET, by_offset, 3),
    ({"kind": "page"}, {"halaman": "$page"}, by_page, 4),
    ({"kind": "cursor", "next": "berikut"}, {"sejak": "$cursor"}, by_cursor, 3),
    ({"kind": "link"}, {}, by_link, 3),
]


@pytest.mark.parametrize(("paging", "query", "answer", "steps"), FORMS)
async def test_every_row_comes_once_and_the_next_round_begins_anew(
    paging: dict[str, Any], query: dict[str, str], answer: Any, steps: int
):
    agency = AnAgency(answer)
    adapter = agency.adapter(a_declaration(a_paged(paging, query)))
    first = await all_steps(adapter)
    assert (keys(first), len(agency.requests)) == (KEYS, steps)
    assert keys(await all_steps(adapter, first[-1].cursor)) == KEYS


@pytest.mark.parametrize(("paging", "query", "answer", "steps"), FORMS)
async def test_pages_together_are_one_whole_list(
    paging: dict[str, Any], query: dict[str, str], answer: Any, steps: int
):
    document = a_declaration(a_paged({**paging, "together": True}, query, is_whole=True))
    polled = await AnAgency(answer).adapter(document).poll("tarik", None)
    assert polled.rows is not None
    assert ([row.key for row in polled.rows.rows], polled.rows.is_whole, polled.more) == (KEYS, True, False)


async def test_a_page_that_fails_makes_no_whole_list():
    """Else the rows of the missing page would be deleted."""
    pages = [httpx.Response(200, json={"data": ROWS[:3]}), httpx.Response(503)]
    document = a_declaration(a_paged({"kind": "page", "together": True}, {"halaman": "$page"}, is_whole=True))
    with pytest.raises(AgencyFault):
        await AnAgency(pages).adapter(document).poll("tarik", None)


async def test_a_list_without_end_is_given_up():
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": parameters(request)["halaman"], "nama": "x"}]})

    document = a_declaration(a_paged({"kind": "page", "together": True}, {"halaman": "$page"}))
    with pytest.raises(AgencyFault, match="pages"):
        await AnAgency(answer).adapter(document).poll("tarik", None)


async def test_an_agency_without_pages_that_repeats_its_list_ends_the_round():
    agency = AnAgency([httpx.Response(200, json={"data": ROWS})])
    adapter = agency.adapter(a_declaration(a_paged({"kind": "page"}, {"halaman": "$page"})))
    assert len(await all_steps(adapter)) == 2


async def test_a_page_that_repeats_the_one_before_adds_no_row():
    agency = AnAgency([httpx.Response(200, json={"data": ROWS})])
    document = a_declaration(a_paged({"kind": "page", "together": True}, {"halaman": "$page"}, is_whole=True))
    assert keys([await agency.adapter(document).poll("tarik", None)]) == KEYS


async def test_a_kept_cursor_goes_on_where_the_round_ended():
    paging = {"kind": "cursor", "next": "berikut", "keeps": True}
    agency = AnAgency(by_cursor)
    adapter = agency.adapter(a_declaration(a_paged(paging, {"sejak": "$cursor"})))
    steps = await all_steps(adapter)
    await adapter.poll("tarik", steps[-1].cursor)
    assert parameters(agency.requests[-1]) == {"sejak": "6"}


async def test_a_key_that_the_agency_repeats_in_its_link_is_not_stored_but_sent_again():
    auth = {"kind": "api_key", "secret": "kunci", "in": "query", "name": "kunci"}
    document = a_declaration(a_paged({"kind": "link"}, {}), auth=[auth], secrets={"kunci": {"title": "Kunci"}})
    agency = AnAgency(by_link)
    steps = await all_steps(agency.adapter(document, kunci="k-1"))
    assert keys(steps) == KEYS
    assert all("k-1" not in (step.cursor or "") for step in steps)
    assert [parameters(request)["kunci"] for request in agency.requests] == ["k-1"] * 3


@pytest.mark.parametrize("link", ["https://pencuri.example/api/baris", "http://badan.example/x", "//pencuri.example/"])
async def test_a_next_page_on_another_server_is_not_fetched(link: str):
    agency = AnAgency([httpx.Response(200, json={"data": ROWS[:3]}, headers={"link": f'<{link}>; rel="next"'})])
    adapter = agency.adapter(a_declaration(a_paged({"kind": "link"}, {})))
    step = await adapter.poll("tarik", None)
    with pytest.raises(AgencyFault, match="another server") as fault:
        await adapter.poll("tarik", step.cursor)
    assert (fault.value.failure, len(agency.requests)) == (Failure.SINK_DOWN, 1)


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {"id": "r0"}}, {"data": "x"}, [], 7])
async def test_an_answer_without_a_list_is_a_failure_and_no_empty_list(answer: Any):
    with pytest.raises(AgencyFault) as fault:
        await (
            AnAgency([httpx.Response(200, json=answer)])
            .adapter(a_declaration(a_poll(is_whole=True)))
            .poll("tarik", None)
        )
    assert fault.value.failure is Failure.TRANSIENT


async def test_a_row_s_expressions_know_the_operator_s_settings():
    document = a_declaration(a_poll(key='$settings.daerah & "-" & id'), settings={"daerah": {"title": "Daerah"}})
    agency = AnAgency([httpx.Response(200, json={"data": ROWS[:1]})])
    assert keys([await agency.adapter(document, daerah="3524").poll("tarik", None)]) == ["3524-r0"]


async def test_a_list_of_one_row_and_an_empty_list_are_lists():
    agency = AnAgency([httpx.Response(200, json={"data": ROWS[:1]}), httpx.Response(200, json={"data": []})])
    adapter = agency.adapter(a_declaration(a_poll(is_whole=True)))
    assert [keys([await adapter.poll("tarik", None)]) for _ in range(2)] == [["r0"], []]


@pytest.mark.parametrize("record", ['{"id": id, "nama": $uppercase(nama)}', '{"id": id, "nama": nama}', '{"id": id}'])
async def test_a_row_that_nobody_can_read_has_a_fault_of_its_own(record: str):
    text = b'{"data": [{"id": "a", "nama": "\\ud83d"}, 7, {"id": 5}, {"id": "b", "nama": 12345678901234567890}, {"id": "c"}]}'
    document = a_declaration(a_poll(record=record))
    polled = await AnAgency([httpx.Response(200, content=text)]).adapter(document).poll("tarik", None)
    assert polled.rows is not None
    rows = polled.rows.rows
    assert [(row.key, row.fault is None) for row in rows] == [
        ("a", False),
        (None, False),
        (None, True),
        ("b", False),
        ("c", True),
    ]
    assert rows[4].data == {"id": "c"}
    assert all("123456" not in str(row.data) for row in rows)


def test_a_cursor_of_another_form_begins_anew():
    paging = Paging(kind="page", first=0)
    for cursor in (
        None,
        "",
        "7",
        "[]",
        "null",
        '{"page": -1}',
        '{"page": "1"}',
        '{"lain": 1}',
        '{"cursor": null}',
        "x",
    ):
        assert read_place(paging, cursor) == Place(page=0)
    place = Place(3, 20, "c", "m")
    assert read_place(paging, place.write()) == place


def test_a_cursor_that_repeats_itself_ends_the_list_and_an_empty_page_does_not():
    paging = Paging(kind="cursor", next="x")
    place = Place(cursor="a")
    assert find_next(paging, place, PageFacts(3, "m", next="a")) is None
    assert find_next(paging, place, PageFacts(0, "m", next="b")) == Place(2, 0, "b", "m")
    assert find_restart(paging, place, PageFacts(3, "m")) == find_first(paging)
