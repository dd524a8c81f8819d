"""Sharing: several processes hold one rate together."""

from collections.abc import Callable

import sqlalchemy as sa

from bus.limits import Limit, Limits, Sharing
from bus.limits.tables import LIMITS_SPENT
from bus.storage import Storage

Process = Callable[[], Limits]


def left(limits: Limits) -> float:
    return limits.of("bapenda").publish.left(0.0)


def test_what_one_process_was_charged_the_others_take_from_theirs(storage: Storage, a_process: Process):
    here, there = a_process(), a_process()
    sharing_here, sharing_there = Sharing(storage, here), Sharing(storage, there)
    for sharing in (sharing_here, sharing_there, sharing_here, sharing_there):
        sharing.exchange()
    here.take("bapenda", Limit.PUBLISH, 60)
    there.take("bapenda", Limit.PUBLISH, 30)
    for sharing in (sharing_here, sharing_there, sharing_here):
        sharing.exchange()
    assert (left(here), left(there)) == (10, 10)
    # Nothing is told twice.
    for sharing in (sharing_here, sharing_there, sharing_here, sharing_there):
        sharing.exchange()
    assert (left(here), left(there)) == (10, 10)


def test_a_process_that_starts_is_not_charged_with_what_is_past(storage: Storage, a_process: Process):
    here, there = a_process(), a_process()
    sharing_here, sharing_there = Sharing(storage, here), Sharing(storage, there)
    sharing_there.exchange()
    here.take("bapenda", Limit.PUBLISH, 60)
    sharing_here.exchange()
    late = a_process()
    sharing_late = Sharing(storage, late)
    sharing_late.exchange()
    assert left(late) == 100
    here.take("bapenda", Limit.PUBLISH, 5)
    sharing_here.exchange()
    sharing_late.exchange()
    assert left(late) == 95


def test_a_process_that_is_alone_writes_a_sign_of_life_and_nothing_else(storage: Storage, a_process: Process):
    limits = a_process()
    sharing = Sharing(storage, limits)
    limits.take("bapenda", Limit.PUBLISH, 60)
    for _ in range(3):
        sharing.exchange()
    with storage.read() as connection:
        assert [row.limit for row in connection.execute(sa.select(LIMITS_SPENT))] == [""]
