"""The leases of pulls in the database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bus import clock
from bus.delivery.pull_lease import add_lease, find_leases
from bus.storage import Storage

DAY = 24 * 3600 * 1_000_000


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_two_pulls_that_forget_the_same_leases_do_not_wait_for_each_other(storage: Storage) -> None:
    now = clock.now_micros()
    with storage.write() as transaction:
        old = add_lease(transaction, 1, now - 2 * DAY, "client_x", now - 2 * DAY)

    def pull_another() -> None:
        with storage.write() as transaction:
            add_lease(transaction, 2, now + DAY, "client_x", now)

    with ThreadPoolExecutor(1) as pool, storage.write() as transaction:
        add_lease(transaction, 1, now + DAY, "client_x", now)
        pool.submit(pull_another).result(timeout=10)
        assert find_leases(transaction, 1, [old.id]) == {}
