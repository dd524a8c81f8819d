"""Records, feeds and copies against a dictionary, through any course of events: a model test.

A consumer keeps a copy as the guides tell it to, while others write, versions change, grants end and return, and the bus starts
anew. Each line that the bus hands out must be what the model says. At the end each copy must be the model's state.
"""

import itertools
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bus import json
from bus.contracts import Waiting
from bus.http.cursors import read_place
from bus.http.sealed_cursors import is_sealed, make_cursor_key, unseal_cursor
from bus.identity.keys import Keys
from bus.journal import split_place
from bus.journal.tables import JOURNAL
from tests.builders import WARGA, a_document, a_nik
from tests.delivery.test_old_events import clean
from tests.http.a_bus_on_disk import BusOnDisk
from tests.http.a_record_model import CONSUMERS, Consumer, Event, Model, SeenEvent

FEED, RECORDS = f"/v1/feeds/{WARGA}", f"/v1/records/{WARGA}"
NDJSON: Final = "application/x-ndjson"
NAMES: Final = ("Rekaan", "Contoh", "Uji")

KEYS = st.integers(1, 3).map(a_nik)
DATA = st.fixed_dictionaries({"nama": st.sampled_from(NAMES), "desa": st.sampled_from(("sembung", "paciran"))})
LIMITS = st.integers(1, 3)
WHO = st.sampled_from(CONSUMERS)
_MOST_PAGES: Final = 200
_POSITIONS: Final = sa.select(JOURNAL.c.position).order_by(JOURNAL.c.position)


class RecordsMachine(RuleBasedStateMachine):
    """A bus and a model of it."""

    template: Path
    keys: Keys

    def __init__(self) -> None:
        super().__init__()
        self.disk = BusOnDisk(self.template, self.keys)
        self.model = Model()
        self.numbers = itertools.count(1)
        self.restarts_at = 1
        self.ids = itertools.count()
        self.bookmarks: list[Consumer] = []
        self.back_up: Model | None = None

    def teardown(self) -> None:
        try:
            self.check_all_copies()
        finally:
            self.disk.close()

    # What happens

    @initialize()
    def begin(self) -> None:
        self.put_in_force()

    @rule(changes=st.lists(st.tuples(KEYS, DATA | st.none()), min_size=1, max_size=4))
    def write(self, changes: list[tuple[str, dict[str, Any] | None]]) -> None:
        """Records come, change and are deleted."""
        for key, data in changes:
            self.accept(key, data and {"nik": key, **data})

    def accept(self, key: str, data: dict[str, Any] | None) -> None:
        event = Event(0, key, data, f"m{next(self.ids)}", self.model.in_force[-1])
        position = self.disk.publish(event)["position"]
        assert position > (self.model.journal[-1].position if self.model.journal else 0)
        self.model.journal.append(replace(event, position=position))

    @precondition(lambda self: self.model.journal)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.model.journal))
        accepted = self.disk.publish(event)
        assert (accepted["position"], accepted["duplicate"]) == (event.position, True)

    @rule(name=WHO, shows_name=st.booleans(), keeps_old=st.booleans())
    def change_the_version(self, name: str, shows_name: bool, keeps_old: bool) -> None:
        self.put_in_force({name: shows_name}, keeps_old=keeps_old)

    @precondition(lambda self: not self.model.refused)
    @rule(name=WHO, suspends=st.booleans(), waiting=st.sampled_from(Waiting))
    def end_a_grant(self, name: str, suspends: bool, waiting: Waiting) -> None:
        consumer = self.model.consumers[name]
        if suspends:
            self.disk.suspend(name, waiting)
            consumer.is_suspended = True
        else:
            consumer.has_ended = True
            self.put_in_force()

    @precondition(lambda self: self.model.refused)
    @rule()
    def give_a_grant_back(self) -> None:
        (consumer,) = self.model.refused
        if consumer.is_suspended:
            self.disk.resume(consumer.name)
            consumer.is_suspended = False
        else:
            consumer.has_ended = False
            self.put_in_force()

    def put_in_force(self, shows_name: Mapping[str, bool] = MappingProxyType({}), *, keeps_old: bool = False) -> None:
        number = next(self.numbers)
        version = f"1.{number}.0"
        for name, one in self.model.consumers.items():
            before = one.shows_name[self.model.in_force[-1]] if self.model.in_force else True
            one.shows_name[version] = shows_name.get(name, before)
        grants = [one.grant(version) for one in self.model.consumers.values()]
        self.disk.bus.apply(
            a_document(*grants, version=version, filterable=["/desa"], delivery={"retention_days": 365})
        )
        kept = self.model.in_force if keeps_old else []
        for old in [one for one in self.model.in_force if one not in kept]:
            self.disk.retire(old)
        self.model.in_force = [*kept, version]

    @precondition(lambda self: len(self.model.journal) >= self.restarts_at)
    @rule()
    def restart(self) -> None:
        # A restart takes longer than all else, and two without events between them show nothing new.
        self.restarts_at = len(self.model.journal) + 5
        self.disk.restart()

    @precondition(lambda self: self.model.journal)
    @rule()
    def clean_up(self) -> None:
        """A year passes, and what is older than the contract keeps goes."""
        clean(self.disk.bus, timedelta(days=400))
        self.model.retain()

    # One rule: courses leave rules out, and without one of the two the bus is never restored.
    @precondition(lambda self: self.model.journal)
    @rule(is_new=st.booleans())
    def back_up_or_restore_the_bus(self, is_new: bool) -> None:
        if self.back_up is None or is_new:
            self.disk.back_up()
            self.back_up = deepcopy(self.model)
        else:
            self.restore_the_bus(self.back_up)

    def restore_the_bus(self, back_up: Model) -> None:
        """Consumers keep their copies and cursors. All else is as it was."""
        self.disk.restore()
        for name, consumer in back_up.consumers.items():
            consumer.take_place_of(self.model.consumers[name])
        self.model, self.back_up = back_up, None
        self.model.ends.append(self.model.journal[-1].position)

    # What consumers do

    @rule(steps=st.integers(1, 3))
    def index_some(self, steps: int) -> None:
        """The index of values goes on, as far as the projection is."""
        self.disk.index(steps)

    @rule(limit=LIMITS)
    def read_pages(self, limit: int) -> None:
        for consumer in self.model.consumers.values():
            self.read_a_page(consumer, limit)

    def read_a_page(self, consumer: Consumer, limit: int) -> None:
        answer = self.disk.ask(consumer, RECORDS, after=consumer.cursor, limit=limit, **consumer.params)
        if self.expect_refusal(consumer, answer) or self.begins_anew(consumer, answer):
            return
        page = answer.json()
        assert len(page["records"]) <= limit
        self.take(consumer, page["records"])
        self.note_pass(consumer, is_whole=page["next"] == consumer.cursor)
        consumer.cursor = page["next"]

    def note_pass(self, consumer: Consumer, *, is_whole: bool) -> None:
        if is_whole and self.model.journal:
            consumer.passed = self.model.journal[-1].position, len(self.model.ends)

    def begins_anew(self, consumer: Consumer, answer: httpx.Response) -> bool:
        """Whether the consumer was told that it has to begin anew. It was not told in vain."""
        if answer.status_code != 410:
            return False
        assert answer.json()["type"] == "urn:bus:problem:cursor-gone"
        position, epoch = consumer.passed
        # A `sequence` does not tell how old the copy is: a consumer with rows may have missed something.
        is_unsure = consumer.rows and consumer.cursor.isdigit() and self.model.misses_something(0, 0)
        assert self.model.misses_something(epoch, position) or epoch < len(self.model.ends) or is_unsure
        consumer.cursor, consumer.keeps, consumer.passed = "", {}, (0, 0)
        return True

    def unseal(self, consumer: Consumer) -> str:
        """The consumer's cursor as a plain one."""
        if not is_sealed(consumer.cursor):
            return consumer.cursor
        key = make_cursor_key(self.disk.bus.rooms.keys.pseudonym, WARGA, consumer.name)
        return unseal_cursor(key, consumer.cursor)

    @rule(name=WHO, lines=st.integers(0, 2), is_whole=st.booleans())
    def take_a_snapshot(self, name: str, lines: int, is_whole: bool) -> None:
        """A stream that may break off. The consumer then goes on by the largest `sequence` that it has."""
        consumer = self.model.consumers[name]
        answer = self.disk.ask(consumer, RECORDS, NDJSON, after=consumer.cursor, trailer="true", **consumer.params)
        if self.expect_refusal(consumer, answer) or self.begins_anew(consumer, answer):
            return
        *texts, trailer = answer.content.splitlines()
        told = json.loads(trailer)
        assert (told["next"], told["count"]) == (answer.headers["bus-next"], len(texts))
        assert answer.headers.get("bus-count", str(len(texts))) == str(len(texts))
        events = [json.loads(text) for text in texts]
        assert len({event["subject"] for event in events}) == len(events)
        came = events if is_whole else events[:lines]
        self.take(consumer, came)
        if is_whole:
            # The stream ends the pass of pages that it goes on with, in that pass's state.
            is_of_today = not read_place(self.unseal(consumer), WARGA).head
            consumer.cursor = told["next"]
            if is_of_today:
                self.note_pass(consumer, is_whole=True)
                assert consumer.keeps == self.model.state_of(consumer)
        elif came:
            consumer.cursor = max(event["sequence"] for event in came)

    @rule(name=WHO)
    def back_up_the_copy(self, name: str) -> None:
        """Also of a copy that is still empty: its consumer begins anew."""
        self.bookmarks.append(deepcopy(self.model.consumers[name]))

    @precondition(lambda self: self.bookmarks)
    @rule(data=st.data())
    def restore_the_copy(self, data: st.DataObject) -> None:
        bookmark = data.draw(st.sampled_from(self.bookmarks))
        self.model.consumers[bookmark.name].restore_copy(bookmark)

    @rule(limit=LIMITS)
    def read_feeds(self, limit: int) -> None:
        for consumer in self.model.consumers.values():
            self.read_the_feed(consumer, limit)

    def read_the_feed(self, consumer: Consumer, limit: int) -> None:
        answer = self.disk.ask(consumer, FEED, after=consumer.feed_cursor, limit=limit)
        if self.expect_refusal(consumer, answer):
            return
        if self.is_told_of_a_gap(consumer, answer):
            answer = self.disk.ask(consumer, FEED, after=consumer.feed_cursor, limit=limit)
        page = answer.json()
        expected = [one for one in self.model.feed_of(consumer) if one[0] > consumer.read][:limit]
        assert [read_event(event) for event in page["events"]] == expected
        if not consumer.feed_cursor:
            consumer.told = self.model.whole
        consumer.feed_cursor, consumer.feed_epoch = page["next"], len(self.model.ends)
        # A page that is not full goes to the journal's end, with what the consumer may not see.
        end = self.model.journal[-1].position if self.model.journal else 0
        consumer.read = expected[-1][0] if len(expected) == limit else end

    def is_told_of_a_gap(self, consumer: Consumer, answer: httpx.Response) -> bool:
        """Whether the feed tells of a gap: exactly those who have one, and do not know."""
        common = self.model.find_common(consumer.feed_epoch, consumer.read)
        is_same = consumer.feed_epoch == len(self.model.ends)
        knows = max(consumer.read, consumer.told if is_same else 0)
        has_gap = bool(consumer.feed_cursor) and (common < consumer.read or knows < self.model.whole)
        assert (answer.status_code == 410) is has_gap, (consumer, self.model.whole, answer.text)
        if has_gap:
            assert answer.json()["type"] == "urn:bus:problem:events-gone"
            consumer.feed_cursor, consumer.read = answer.json()["next"], common
            consumer.told, consumer.feed_epoch = self.model.whole, len(self.model.ends)
        return has_gap

    @rule(name=WHO, key=KEYS)
    def look_up_a_record(self, name: str, key: str) -> None:
        consumer = self.model.consumers[name]
        answer = self.disk.ask(consumer, f"{RECORDS}/{key}")
        if self.expect_refusal(consumer, answer):
            return
        newest = self.model.newest().get(key)
        if newest is None or newest.data is None or not consumer.is_inside(newest.data, is_feed=True):
            assert answer.status_code == 404
        else:
            assert read_event(answer.json()) == (newest.position, key, self.model.show(consumer, newest))

    @rule(name=WHO, key=KEYS, limit=LIMITS)
    def look_up_a_history(self, name: str, key: str, limit: int) -> None:
        consumer = self.model.consumers[name]
        answer = self.disk.ask(consumer, f"{RECORDS}/{key}/history", limit=limit)
        if self.expect_refusal(consumer, answer):
            return
        expected = [one for one in reversed(self.model.feed_of(consumer)) if one[1] == key]
        if not expected:
            assert answer.status_code == 404
        else:
            assert [read_event(event) for event in answer.json()["events"]] == expected[:limit]

    # What must be

    @invariant()
    def nothing_accepted_is_lost(self) -> None:
        with self.disk.storage.read() as transaction:
            kept = [row[0] for row in transaction.rows(_POSITIONS)]
        assert kept == [event.position for event in self.model.journal]

    def expect_refusal(self, consumer: Consumer, answer: httpx.Response) -> bool:
        """Whether the consumer's grant shows nothing now. The answer must agree."""
        if consumer.is_refused:
            assert (answer.status_code, answer.json()["type"]) == (403, consumer.problem)
        else:
            assert answer.status_code in (200, 404, 410), answer.text
        return consumer.is_refused

    def take(self, consumer: Consumer, events: list[dict[str, Any]]) -> None:
        """Apply events to a copy, and compare each with the journal."""
        journal = {event.position: event for event in self.model.journal}
        for position, key, data in map(read_event, events):
            stored = journal[position]
            assert stored.key == key
            if stored.data is not None and consumer.is_inside(stored.data):
                assert data == self.model.show(consumer, stored)
                consumer.keeps[key] = position
            else:
                assert data is None
                consumer.keeps.pop(key, None)

    def check_all_copies(self) -> None:
        """Whoever reads on until nothing comes has exactly the present state."""
        for consumer in self.model.consumers.values():
            if not consumer.is_refused:
                self.read_to_the_end(consumer)
                self.read_the_feed(consumer, 1000)
                assert consumer.keeps == self.model.state_of(consumer)

    def read_to_the_end(self, consumer: Consumer) -> None:
        for _ in range(_MOST_PAGES):
            answer = self.disk.ask(consumer, RECORDS, after=consumer.cursor, limit=3, **consumer.params)
            if self.begins_anew(consumer, answer):
                continue
            page = answer.json()
            self.take(consumer, page["records"])
            if page["next"] == consumer.cursor:
                return
            consumer.cursor = page["next"]
        raise AssertionError("the pages have no end")


def read_event(event: dict[str, Any]) -> SeenEvent:
    return split_place(int(event["sequence"]))[1], event["subject"], event["data"]


def test_records_feeds_and_copies_are_what_a_dictionary_says(sqlite_template: Path, bus_keys: Keys):
    class Machine(RecordsMachine):
        template, keys = sqlite_template, bus_keys

    # In the suite the same few courses each time. A failure tells its course as it is: to look for a shorter one takes minutes.
    # `make conformance` looks for new courses.
    is_long = settings.get_current_profile_name() == "thorough"
    few = settings(
        max_examples=12,
        stateful_step_count=50,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
    )
    many = settings(max_examples=200, stateful_step_count=60)
    run_state_machine_as_test(Machine, settings=many if is_long else few)
