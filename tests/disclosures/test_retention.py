"""Retention deletes what is older than the operator keeps it, with all that finds it, and nothing else."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import ActionLog, Verb
from bus.actions import Wanted as ActionsWanted
from bus.disclosures import Channel, DisclosureLog, Retention, Wanted
from bus.disclosures.tables import DISCLOSURES, STRETCHES
from bus.journal import Persons
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.builders import a_nik
from tests.disclosures.test_search import a_page, held, tell_persons
from tests.services.waiting import until

OLD = range(1, 121)


@pytest.fixture
def log(storage: Storage) -> DisclosureLog:
    """A log with 120 old disclosures, one of them of events that did not leave, and two of today."""
    log = DisclosureLog(storage, Persons(storage))
    log.record([a_page(position, position + 20_000, position + 50_000) for position in OLD])
    ((noted,),) = log.announce([[a_page(5, 7, channel=Channel.WEBHOOK, client_id=None)]])
    with storage.write() as transaction:
        log.withdraw(transaction, [noted._replace(positions=frozenset({7}))])
        transaction.execute(sa.update(DISCLOSURES).values(day=DISCLOSURES.c.day - 30))
    log.record([a_page(1, 2), a_page(3, 70_000)])
    return log


def forget_all(retention: Retention) -> list[int]:
    steps: list[int] = []
    while some := retention.forget_some(clock.now()):
        steps.append(some)
    return steps


def test_what_is_older_goes_in_small_steps_and_leaves_nothing_behind(storage: Storage, log: DisclosureLog):
    tell_persons(storage, [(5, 5), (3, 3)])
    steps = forget_all(Retention(storage, 29))
    assert sum(steps) == len(OLD) + 1
    assert max(steps) <= 50
    assert sorted(held(log.search(Wanted(), None, 100))) == [[1, 2], [3, 70_000]]
    assert [len(log.search(Wanted(a_nik(number)), None, 10)) for number in (3, 5)] == [1, 0]
    with storage.read() as transaction:
        assert transaction.value(sa.select(sa.func.count()).select_from(STRETCHES)) == 3


def test_what_is_kept_is_not_touched(storage: Storage, log: DisclosureLog):
    assert forget_all(Retention(storage, 30)) == []
    assert Retention(storage, 29).forget_some(clock.now() - timedelta(days=1)) == 0
    assert len(log.search(Wanted(), None, 1000)) == len(OLD) + 3


async def test_what_was_deleted_is_told_in_the_action_log(storage: Storage, log: DisclosureLog):
    following = asyncio.create_task(Retention(storage, 29).follow())
    wanted = ActionsWanted(what=Verb.DISCLOSURES_FORGET)
    await asyncio.to_thread(until, lambda: ActionLog(storage).search(wanted, None, 10, OPERATOR))
    following.cancel()
    told = ActionLog(storage).search(wanted, None, 10, OPERATOR)
    assert [one.action.details for one in told] == [{"rows": len(OLD) + 1, "days": 29}]
