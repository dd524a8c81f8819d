"""Cursors of readers that do not see every event tell no position, and mean what plain ones mean."""

from collections.abc import Callable

import pytest

from bus import json
from bus.http.cursors import CursorInvalid, FeedPlace, Place, write_feed_place, write_place
from bus.http.sealed_cursors import is_sealed, make_cursor_key, seal_cursor, unseal_cursor
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.http.a_feed import FEED, SEMBUNG

RECORDS = f"/v1/records/{WARGA}"
KEY = make_cursor_key(b"k" * 32, WARGA, "dinkes")

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_sealed_cursor_comes_back_and_is_the_same_each_time():
    plain = write_feed_place(WARGA, FeedPlace(7))
    sealed = seal_cursor(KEY, plain)
    assert is_sealed(sealed)
    assert not is_sealed(plain)
    assert unseal_cursor(KEY, sealed) == plain
    assert sealed == seal_cursor(KEY, plain)


def test_its_length_does_not_tell_how_long_the_journal_is():
    sealed = {len(seal_cursor(KEY, write_feed_place(WARGA, FeedPlace(position)))) for position in (1, 10**6, 10**12)}
    assert len(sealed) == 1


@pytest.mark.parametrize("change", [lambda one: one[:-1], lambda one: one + "A", lambda one: one.swapcase()])
def test_a_sealed_cursor_that_was_changed_is_refused(change: Callable[[str], str]):
    sealed = seal_cursor(KEY, write_feed_place(WARGA, FeedPlace(7)))
    with pytest.raises(CursorInvalid):
        unseal_cursor(KEY, change(sealed))


@only_once
@pytest.mark.parametrize(("path", "name"), [(FEED, "events"), (RECORDS, "records")])
async def test_next_of_a_reader_with_rows_tells_no_position_of_hidden_events(bus: Bus, path: str, name: str):
    bus.apply(a_document(a_grant("dinkes", rows=SEMBUNG), a_grant("dinsos", rows=SEMBUNG), a_grant("bapenda")))
    await bus.publish_all([a_person(1, desa="sembung"), a_person(2, desa="made"), a_person(3, desa="made")])
    client = bus.reader("dinkes")
    page = (await client.get(path)).json()
    assert is_sealed(page["next"])
    assert len(page[name]) == 1
    assert not is_sealed((await bus.reader("bapenda").get(path)).json()["next"])
    # It goes on where it ended, also in a copy that began before cursors were sealed.
    await bus.publish(a_person(4, desa="sembung"))
    plain = write_feed_place(WARGA, FeedPlace(3)) if path == FEED else write_place(WARGA, Place(3, 3))
    for after in (page["next"], plain):
        following = (await client.get(path, params={"after": after})).json()
        assert [int(one["sequence"]) for one in following[name]] == [4]
    assert (await bus.reader("dinsos").get(path, params={"after": page["next"]})).status_code == 400


@only_once
async def test_the_other_cursors_of_records_with_rows_are_sealed_too(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", rows=SEMBUNG)))
    await bus.publish_all([a_person(1, desa="sembung"), a_person(2, desa="made")])
    client = bus.reader("dinkes")
    lines = await client.get(RECORDS, params={"trailer": "true"}, headers={"accept": "application/x-ndjson"})
    trailer = json.loads(lines.content.splitlines()[-1])
    digest = (await client.get(f"{RECORDS}/digest")).json()
    assert all(is_sealed(one) for one in (lines.headers["bus-next"], trailer["next"], digest["at"]))
    again = (await client.get(f"{RECORDS}/digest", params={"at": digest["at"]})).json()
    assert again["ranges"] == digest["ranges"]
