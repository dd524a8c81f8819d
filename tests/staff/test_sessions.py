"""Sessions end: after a time without requests, at the latest after their own time, and when their owner says so."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import Verb
from bus.staff.account import Account, Role
from bus.staff.accounts import Accounts
from bus.staff.errors import SessionUnknown
from bus.staff.sessions import Sessions
from bus.staff.tables import STAFF_SESSIONS
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions

FROM = "10.1.2.3"


@pytest.fixture
def account(accounts: Accounts) -> Account:
    accounts.add("budi", Role.AUDITOR, None, OPERATOR)
    return accounts.list_page(1)[0]


def age(storage: Storage, **columns: timedelta) -> None:
    values = {name: clock.micros(clock.now() - old) for name, old in columns.items()}
    with storage.write() as transaction:
        transaction.execute(sa.update(STAFF_SESSIONS).values(**values))


@pytest.mark.parametrize(
    ("seen", "opened", "lives"),
    [(29, 1, True), (31, 1, False), (0, 11, True), (0, 13, False)],
)
def test_a_session_lives_while_it_is_used_and_not_too_old(
    storage: Storage, sessions: Sessions, account: Account, seen: int, opened: int, lives: bool
):
    secret = sessions.open(account, FROM, "Firefox")
    age(storage, seen_at=timedelta(minutes=seen), opened_at=timedelta(hours=opened))
    assert (sessions.find(secret) is not None) is lives
    assert (sessions.list_of(account) != []) is lives


def test_a_request_keeps_a_session_alive(storage: Storage, sessions: Sessions, account: Account):
    secret = sessions.open(account, FROM, "")
    for _ in range(3):
        age(storage, seen_at=timedelta(minutes=20))
        assert sessions.find(secret)
    (session,) = sessions.list_of(account)
    assert clock.now() - session.seen_at < timedelta(minutes=1)


def test_its_owner_ends_a_session_and_nobody_else_does(
    accounts: Accounts, storage: Storage, sessions: Sessions, account: Account
):
    accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    other = accounts.list_page(1, "budi")[0]
    secret = sessions.open(account, FROM, "")
    (session,) = sessions.list_of(account)
    with pytest.raises(SessionUnknown):
        sessions.end(other, session.id, FROM)
    sessions.end(account, session.id, FROM)
    assert sessions.find(secret) is None
    told = [(one.what, one.by.user) for one in actions(storage)][-2:]
    assert told == [(Verb.SESSION_OPEN, "budi"), (Verb.SESSION_END, "budi")]


def test_the_database_has_no_secret_of_a_session(storage: Storage, sessions: Sessions, account: Account):
    secret = sessions.open(account, FROM, "")
    with storage.read() as transaction:
        assert secret not in repr([tuple(row) for row in transaction.rows(sa.select(STAFF_SESSIONS))])
