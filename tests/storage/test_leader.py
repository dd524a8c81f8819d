"""Leadership: one process does a job at a time, and one that is gone is succeeded at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bus.storage import Leadership, Storage, make_leadership, open_storage
from tests.services.waiting import until

_LEADS = """
import sys
from bus.storage import make_leadership, open_storage
print(make_leadership(open_storage(sys.argv[1]), "relay").acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def one(storage: Storage) -> Leadership:
    return make_leadership(storage, "relay")


@pytest.fixture
def other(database_url: str) -> Iterator[Leadership]:
    """The same job in what stands for another process."""
    elsewhere = open_storage(database_url)
    yield make_leadership(elsewhere, "relay")
    elsewhere.close()


def test_one_leads_at_a_time(one: Leadership, other: Leadership):
    assert (one.acquire(), other.acquire(), one.acquire()) == (True, False, True)


def test_another_leads_when_the_first_lets_it(one: Leadership, other: Leadership):
    one.acquire()
    one.release()
    assert (other.acquire(), one.acquire()) == (True, False)


def test_who_does_not_lead_takes_nothing_away_by_letting_go(one: Leadership, other: Leadership):
    one.acquire()
    other.acquire()
    other.release()
    assert (other.acquire(), one.acquire()) == (False, True)


def test_each_job_has_a_leader_of_its_own(storage: Storage, one: Leadership):
    assert one.acquire()
    assert make_leadership(storage, "poller").acquire()


@pytest.mark.process
def test_a_leader_that_is_killed_is_succeeded_at_once(database_url: str, one: Leadership):
    command = [sys.executable, "-c", _LEADS, database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "True\n"
        assert not one.acquire()
        os.kill(leader.pid, signal.SIGKILL)
        leader.wait(20)
        # PostgreSQL ends the session when it hears of the closed connection.
        assert until(one.acquire)


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_leader_whose_session_the_database_ended_learns_that_it_leads_no_more(
    storage: Storage, one: Leadership, other: Leadership
):
    assert one.acquire()
    with storage.database.engines[0].connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    assert until(other.acquire)
    assert not one.acquire()
    other.release()
    assert until(one.acquire)
