"""Reads the pages of a list: each row by the operation's mapping, and where the list goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx

from bus.declared.client import Client
from bus.declared.document import Poll, Push
from bus.declared.draft import Draft
from bus.declared.mapper import ExpressionResult, JudgedAnswer
from bus.declared.paging import PageFacts, Place, find_first, find_next, find_restart, read_place
from bus.kit import AgencyFault, Allowance, Failure, Polled, Row, Rows, RowUnreadable, digest

_MOST_PAGES: Final = 100
"""Most pages in one step, since an agency may never send an empty page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: Sequence[Row]
    told: PageFacts


async def poll_step(client: Client, operation: Poll, cursor: str | None) -> Polled:
    """One step of a poll: one page, or all of them if the document says `together`.

    Raises:
        AgencyFault: the agency gave no page that can be read.
    """
    paging = operation.paging
    if paging is None:
        page = await _fetch(client, operation, Place(), Allowance(client.agency))
        return Polled([], None, rows=Rows(operation.source, page.rows, operation.is_whole))
    if paging.together:
        return await _poll_together(client, operation)
    place = read_place(paging, cursor)
    page = await _fetch(client, operation, place, Allowance(client.agency))
    after = find_next(paging, place, page.told)
    rows = Rows(operation.source, page.rows, is_whole=False) if page.rows else None
    onward = after or find_restart(paging, place, page.told)
    return Polled([], onward.write(), more=after is not None, rows=rows)


async def _poll_together(client: Client, operation: Poll) -> Polled:
    assert operation.paging is not None  # noqa: S101 - `poll_step` looked
    allowance, rows = Allowance(client.agency), list[Row]()
    place = find_first(operation.paging)
    for _ in range(_MOST_PAGES):
        page = await _fetch(client, operation, place, allowance)
        after = find_next(operation.paging, place, page.told)
        # A page that repeats the one before adds nothing.
        rows += page.rows if page.told.mark != place.mark or after is not None else []
        if after is None:
            return Polled([], None, rows=Rows(operation.source, rows, operation.is_whole))
        place = after
    raise AgencyFault(Failure.TRANSIENT, f"{client.agency} has more than {_MOST_PAGES} pages for one list")


async def _fetch(client: Client, operation: Poll, place: Place, allowance: Allowance) -> Page:
    draft = await client.write(operation, None, _list_variables(operation, place))
    if place.cursor and operation.paging is not None and operation.paging.kind == "link":
        draft = client.follow(draft, place.cursor)
    response = await client.exchange(draft)
    expressions = (
        {
            name: text
            for name, text in (("next", operation.paging.next), ("total", operation.paging.total))
            if text is not None
        }
        if operation.paging
        else {}
    )
    judged = await client.judge(operation, response, expressions, rows=operation.rows)
    if judged.rows is None:
        raise AgencyFault(Failure.TRANSIENT, f"{client.agency} answers without a list", status=response.status_code)
    allowance.take(response, len(judged.rows))
    told = _read_told(client, operation, draft, response, judged)
    return Page(await map_rows(client, operation, judged.rows), told)


def _list_variables(operation: Poll, place: Place) -> dict[str, Any]:
    if operation.paging is None:
        return {}
    found: dict[str, Any] = {"page": place.page, "offset": place.offset, "limit": operation.paging.limit}
    return found | ({"cursor": place.cursor} if place.cursor else {})


def _read_told(
    client: Client, operation: Poll, draft: Draft, response: httpx.Response, judged: JudgedAnswer
) -> PageFacts:
    told = PageFacts(len(judged.rows or ()), digest(judged.rows))
    if operation.paging is None:
        return told
    total, following = judged.results.get("total", ExpressionResult()), judged.results.get("next", ExpressionResult())
    onward = following.value if isinstance(following.value, str) else ""
    if operation.paging.kind == "link" and not onward:
        onward = response.links.get("next", {}).get("url", "")
    if operation.paging.kind == "link" and onward:
        onward = client.hide_keys(str(httpx.URL(draft.address).join(onward)))
    return replace(told, next=onward, total=_read_total(total.value))


def _read_total(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    return value if type(value) is int else None


async def map_rows(client: Client, operation: Poll | Push, entries: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A row for each entry. An entry that no expression reads gets a fault of its own, and holds up no other."""
    expressions = {"key": operation.key, "record": operation.record}
    if operation.time is not None:
        expressions["time"] = operation.time
    readable = [entry["row"] for entry in entries if isinstance(entry.get("row"), dict)]
    results = iter(await client.map_rows(expressions, readable))
    return [
        _make_row(entry, next(results)) if isinstance(entry.get("row"), dict) else _make_unreadable(entry)
        for entry in entries
    ]


def _make_row(told: Mapping[str, Any], found: Mapping[str, ExpressionResult]) -> Row:
    entry = told["row"]
    key, record, time = found["key"], found["record"], found.get("time", ExpressionResult())
    named = key.value if isinstance(key.value, str) and key.value else None
    if "digest" in told:
        detail = "The row has a number of more than 15 digits, or a text that UTF-8 does not have."
        return Row(named, told["digest"], fault=RowUnreadable(detail))
    if not isinstance(record.value, dict):
        why = record.describe() if not record.is_there else "gives no object"
        return Row(named, digest(entry), fault=RowUnreadable(f"The expression for the record {why}."))
    return Row(named, record.value, time.value if isinstance(time.value, str) else None)


def _make_unreadable(told: Mapping[str, Any]) -> Row:
    return Row(None, told.get("digest") or digest(told["row"]), fault=RowUnreadable("The row is no JSON object."))
