"""Whose cursor stands before what was deleted, or behind what a restore undid, is told, with the way back."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bus import clock, json
from bus.http.cursors import FeedPlace, Place, write_feed_place, write_place
from bus.http.sealed_cursors import seal_pair
from bus.journal import begin_epoch, join_place
from bus.journal.tables import JOURNAL
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik
from tests.delivery.test_old_events import clean, keep, positions
from tests.http.a_feed import SEMBUNG

FEED, RECORDS = f"/v1/feeds/{WARGA}", f"/v1/records/{WARGA}"
STREAM, LINES = "text/event-stream", "application/x-ndjson"
LATER = timedelta(days=400)


@pytest.fixture
async def kept(bus: Bus) -> Bus:
    """A bus that keeps events for 30 days."""
    keep(bus, 30)
    return bus


async def write(bus: Bus, *changes: tuple[int, str | None]) -> None:
    """Events of residents by number: each moves to a village, or is deleted."""
    for number, desa in changes:
        nik = a_nik(number)
        await bus.publish(None if desa is None else {"nik": nik, "desa": desa}, subject=nik)


async def ask(
    client: httpx.AsyncClient, path: str, after: str = "", form: str = "application/json", **params: Any
) -> Any:
    answer = await client.get(path, params={"after": after, **params}, headers={"accept": form})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def expect_gone(
    client: httpx.AsyncClient, path: str, slug: str, form: str = "application/json", **params: Any
) -> Any:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, path, params=params, headers={"accept": form})
        assert answer.status_code == 410, answer.text
    problem = (await client.get(path, params=params, headers={"accept": form})).json()
    assert problem["type"] == f"urn:bus:problem:{slug}"
    return problem


def sequences(page: Any) -> list[int]:
    return [int(event["sequence"]) for event in page]


async def test_a_feed_tells_the_gap_once_and_goes_on_with_what_is_left(kept: Bus):
    await write(kept, (1, "a"), (2, "a"), (1, "b"), (3, "a"))
    client = kept.reader("dinkes")
    begun = await ask(client, FEED, limit=1)
    clean(kept)
    assert positions(kept) == [2, 3, 4]
    # The event that went was before the cursor, but the record's state at it is not whole.
    problem = await expect_gone(client, FEED, "events-gone", after=begun["next"], wait=30)
    rest = await ask(client, FEED, problem["next"])
    assert sequences(rest["events"]) == [2, 3, 4]
    assert (await ask(client, FEED, rest["next"]))["events"] == []


async def test_a_feed_without_a_cursor_begins_with_what_is_left_page_by_page(kept: Bus):
    await write(kept, *((number, "a") for number in (1, 2, 3, 1, 2, 3)))
    clean(kept)
    client = kept.reader("dinkes")
    after, found = "", list[int]()
    for _ in range(4):
        page = await ask(client, FEED, after, limit=1)
        found += sequences(page["events"])
        after = page["next"]
    assert found == [4, 5, 6]


async def test_a_reader_below_the_horizon_is_told_of_later_deletions(kept: Bus):
    await write(kept, (1, "a"), (1, "b"), (2, "a"), (3, "a"))
    clean(kept)
    client = kept.reader("dinkes")
    begun = await ask(client, FEED, limit=1)
    await write(kept, (2, "b"), (3, "b"), (4, "a"))
    clean(kept, LATER)
    problem = await expect_gone(client, FEED, "events-gone", after=begun["next"])
    assert sequences((await ask(client, FEED, problem["next"]))["events"]) == [5, 6, 7]


@pytest.mark.parametrize("path", [FEED, RECORDS])
async def test_who_lost_nothing_is_not_bothered(kept: Bus, path: str):
    await write(kept, (1, "a"), (1, "b"), (2, "a"))
    client = kept.reader("dinkes")
    page = await ask(client, path)
    await write(kept, (3, "a"))
    clean(kept)
    assert len((await ask(client, path, page["next"])).popitem()[1]) > 0
    assert sequences((await ask(client, path, page["next"]))[path.split("/")[2].replace("feeds", "events")]) == [4]


async def test_a_stream_is_refused_before_it_begins(kept: Bus):
    await write(kept, (1, "a"), (1, "b"), (2, "a"))
    client = kept.reader("dinkes")
    begun = (await ask(client, FEED, limit=1))["next"]
    clean(kept)
    await expect_gone(client, FEED, "events-gone", STREAM, after=begun)
    answer = await client.get(FEED, headers={"accept": STREAM, "last-event-id": begun})
    assert answer.status_code == 410


@pytest.mark.parametrize("form", ["application/json", LINES, "text/csv"])
async def test_a_copy_whose_deletions_are_gone_begins_anew(kept: Bus, form: str):
    await write(kept, (1, "a"), (2, "a"))
    client = kept.reader("dinkes")
    copied = (await ask(client, RECORDS))["next"]
    await write(kept, (1, None), (3, "a"))
    clean(kept)
    assert positions(kept) == [2, 4]
    problem = await expect_gone(client, RECORDS, "cursor-gone", form, after=copied)
    assert problem["restart"] == RECORDS
    assert sequences((await ask(client, problem["restart"]))["records"]) == [2, 4]


async def test_a_copy_that_sees_all_records_needs_no_event_between(kept: Bus):
    await write(kept, (1, "a"), (2, "a"))
    client = kept.reader("dinkes")
    copied = (await ask(client, RECORDS))["next"]
    await write(kept, (1, "b"), (1, "c"), (3, "a"))
    clean(kept)
    assert positions(kept) == [2, 4, 5]
    assert sequences((await ask(client, RECORDS, copied))["records"]) == [4, 5]


async def test_a_copy_with_rows_needs_the_event_by_which_a_record_left(kept: Bus):
    delivery = {"retention_days": 30}
    kept.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG), version="1.1.0", delivery=delivery))
    await write(kept, (1, "sembung"), (2, "sembung"))
    client = kept.reader("desa-sembung")
    copied = (await ask(client, RECORDS))["next"]
    await write(kept, (1, "paciran"), (1, "brondong"), (3, "sembung"))
    clean(kept)
    await expect_gone(client, RECORDS, "cursor-gone", after=copied)
    await expect_gone(client, FEED, "events-gone", after=write_feed_place(WARGA, FeedPlace(2)))


async def test_a_stream_with_rows_that_broke_off_is_not_resumed_by_its_sequence_over_a_clean_up(kept: Bus):
    """Its cursor, which the bus does not learn, may be older than the events by which a record left the rows."""
    delivery = {"retention_days": 30}
    kept.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG), version="1.1.0", delivery=delivery))
    await write(kept, (1, "sembung"), (2, "sembung"))
    client = kept.reader("desa-sembung")
    copied = (await ask(client, RECORDS))["next"]
    await write(kept, (1, "paciran"), (3, "sembung"), (1, "brondong"))
    began = await client.get(RECORDS, params={"after": copied}, headers={"accept": LINES})
    given, *not_given = [json.loads(line) for line in began.content.splitlines()]
    assert [one["data"] for one in not_given] == [None]
    with kept.rooms.storage.write() as transaction:
        months_ago = JOURNAL.c.recorded_at - 60 * 24 * 3_600_000_000
        transaction.execute(sa.update(JOURNAL).where(JOURNAL.c.position <= 3).values(recorded_at=months_ago))
    clean(kept, timedelta())
    # What the resident was in the rows is gone, and stood before the `sequence`.
    assert positions(kept) == [2, 3, 4, 5]
    await expect_gone(client, RECORDS, "cursor-gone", LINES, after=given["sequence"])


async def test_a_pass_goes_on_in_a_new_state_when_its_own_is_gone(kept: Bus):
    await write(kept, (1, "a"), (2, "a"), (3, "a"))
    client = kept.reader("dinkes")
    first = await ask(client, RECORDS, limit=1)
    await write(kept, (2, "b"), (1, "b"))
    clean(kept)
    assert positions(kept) == [3, 4, 5]
    assert sequences((await ask(client, RECORDS, first["next"]))["records"]) == [3, 4, 5]


async def test_a_digest_and_a_history_of_what_is_gone(kept: Bus):
    await write(kept, (1, "a"), (1, "b"), (1, "c"), (2, "a"))
    client = kept.reader("dinkes")
    history = f"{RECORDS}/{a_nik(1)}/history"
    older = (await ask(client, history, limit=2))["next"]
    digest = (await ask(client, f"{RECORDS}/digest", size=1))["at"]
    clean(kept)
    await expect_gone_once(client, history, after=older)
    await expect_gone_once(client, f"{RECORDS}/digest", at=write_place(WARGA, Place(2, 2)))
    assert len((await ask(client, f"{RECORDS}/digest", at=digest))["ranges"]) == 1
    page = await ask(client, history)
    assert (sequences(page["events"]), page["next"]) == ([3], None)


async def expect_gone_once(client: httpx.AsyncClient, path: str, **params: Any) -> None:
    answer = await client.get(path, params=params)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:bus:problem:cursor-gone"), answer.text


async def test_an_event_that_was_deleted_is_not_there(kept: Bus):
    await write(kept, (1, "a"), (1, "b"), (2, "a"))
    clean(kept)
    assert (await kept.reader(OWNER).get("/v1/events/1")).status_code == 404
    assert (await kept.reader(OWNER).get("/v1/events/2")).status_code == 200


async def begin_anew(bus: Bus) -> int:
    with bus.rooms.storage.write() as transaction:
        begin_epoch(transaction)
    bus.rooms.epochs.refresh()
    return bus.rooms.epochs.current


async def test_after_a_restore_a_place_that_was_undone_is_told_however_long_the_journal_grew(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await write(bus, (1, "a"), (2, "a"))
    client = bus.reader("dinkes")
    good = {path: (await ask(client, path))["next"] for path in (FEED, RECORDS)}
    number = await begin_anew(bus)
    await write(bus, (3, "a"), (4, "a"), (1, "b"))
    undone = write_feed_place(WARGA, FeedPlace(4))
    problem = await expect_gone(client, FEED, "events-gone", after=undone)
    expected = [join_place(number, position) for position in (3, 4, 5)]
    assert sequences((await ask(client, FEED, problem["next"]))["events"]) == expected
    # The stream of the last one may have been of a state that was undone.
    for after in (write_place(WARGA, Place(4, 4)), write_place(WARGA, Place(1, 0, 4)), f"{4:020d}", f"{1:020d}"):
        await expect_gone(client, RECORDS, "cursor-gone", LINES, after=after)
    await expect_gone_once(client, f"{RECORDS}/digest", at=write_place(WARGA, Place(4, 4)))
    history = f"{RECORDS}/{a_nik(1)}/history"
    view = bus.rooms.catalogue.view(
        WARGA, "dinkes", bus.rooms.catalogue.newest(WARGA).id, clock.local_date(clock.now())
    )
    await expect_gone_once(client, history, after=seal_pair(view.make_key("cursors of histories"), (0, 5)))
    # Who read no further than the back-up goes on, and so does who reads in the new epoch.
    for path, name in ((FEED, "events"), (RECORDS, "records")):
        page = await ask(client, path, good[path], limit=1)
        assert sequences(page[name]) == expected[:1]
        assert sequences((await ask(client, path, page["next"]))[name]) == expected[1:]
    lines = await client.get(RECORDS, params={"after": f"{expected[0]:020d}"}, headers={"accept": LINES})
    assert [int(json.loads(line)["sequence"]) for line in lines.content.splitlines()] == expected[1:]


async def test_an_event_is_found_by_its_sequence_in_its_own_epoch(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await write(bus, (1, "a"))
    number = await begin_anew(bus)
    await write(bus, (2, "a"))
    client = bus.reader(OWNER)
    found = {place: (await client.get(f"/v1/events/{place}")).status_code for place in (1, 2, join_place(number, 2))}
    assert found == {1: 200, 2: 200, join_place(number, 2): 200}
    assert (await client.get(f"/v1/events/{join_place(number + 1, 2)}")).status_code == 404


async def test_a_record_of_another_epoch_has_another_tag(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await write(bus, (1, "a"))
    client = bus.reader("dinkes")
    before = (await client.get(f"{RECORDS}/{a_nik(1)}")).headers["etag"]
    number = await begin_anew(bus)
    await write(bus, (1, "b"))
    after = (await client.get(f"{RECORDS}/{a_nik(1)}")).headers["etag"]
    assert (before[:3], after.split("-")[0]) == ('"1-', f'"{join_place(number, 2)}')
