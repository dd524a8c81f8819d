"""Sessions of the console: who is signed in, from where, and until when.

Promise: a session ends after a time without requests, and at the latest after a time of its own. Its secret is stored only as
a digest. An account that was disabled has no session.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import sqlalchemy as sa
from cachetools import TTLCache

from bus import clock
from bus.actions import Action, Object, Verb, note
from bus.ids import new_id, new_secret
from bus.staff.account import Account
from bus.staff.accounts import make_account
from bus.staff.digest import digest
from bus.staff.errors import SessionUnknown, SignInRefused
from bus.staff.tables import STAFF, STAFF_SESSIONS, select_accounts
from bus.storage import Storage, Transaction

_SEEN_SECONDS: Final = 30
"""A session's last request is known to this precision, so that most requests write nothing."""
_LONGEST: Final = 200
SESSION_COOKIE: Final = b"konsol-sesi"
"""Part of the name of the cookie that has a session's secret."""
_REMEMBERED: Final = 10_000
"""Sessions that a process remembers."""
_REMEMBERED_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser.

    Attributes:
        id: names the session in lists. It opens nothing.
        proved_at: when the member last proved the account. Pages with secrets ask for a proof that is young.
        address: the network address that it was opened from.
        browser: what the browser calls itself.
    """

    id: str
    account: Account
    opened_at: datetime
    seen_at: datetime
    proved_at: datetime
    address: str
    browser: str


class Sessions:
    """Opens, finds and ends sessions. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, idle_minutes: int, longest_hours: int) -> None:
        self._storage = storage
        self._idle = timedelta(minutes=idle_minutes)
        self._longest = timedelta(hours=longest_hours)
        self._remembered: TTLCache[str, bool] = TTLCache(_REMEMBERED, min(_REMEMBERED_SECONDS, idle_minutes * 60))
        self._remembering = Lock()

    def open(self, account: Account, address: str, browser: str) -> str:
        """Open a session. Returns its secret, for the browser's cookie.

        Raises:
            SignInRefused: the account was disabled meanwhile.
        """
        secret, name, now = new_secret(), new_id("session"), clock.micros(clock.now())
        with self._storage.write() as transaction:
            self._forget_ended(transaction)
            here = sa.select(STAFF.c.name).where(STAFF.c.name == account.name, STAFF.c.disabled_at.is_(None))
            if transaction.one(here.with_for_update()) is None:
                raise SignInRefused("This account is shut out.")
            values = {
                "digest": digest(secret),
                "id": name,
                "staff": account.name,
                "opened_at": now,
                "seen_at": now,
                "proved_at": now,
                "address": address[:_LONGEST],
                "browser": browser[:_LONGEST],
            }
            transaction.execute(sa.insert(STAFF_SESSIONS).values(**values))
            by = account.act_from(address)
            note(transaction, Action(Verb.SESSION_OPEN, by, Object("session", name), account.participant))
        return secret

    def find(self, secret: str, *, is_used: bool = True) -> Session | None:
        """The session with that secret; None: there is none, or it has ended.

        Args:
            is_used: whether the member uses the session. False: a page asks by itself, which keeps no session alive.
        """
        mine = STAFF_SESSIONS.c.digest == digest(secret)
        with self._storage.read() as transaction:
            row = transaction.one(_select().where(mine, *self._living()))
        with self._remembering:
            if row is None:
                self._remembered.pop(digest(secret), None)
                return None
            self._remembered[digest(secret)] = True
        session, now = _make_session(row), clock.now()
        if is_used and (now - session.seen_at).total_seconds() > _SEEN_SECONDS:
            with self._storage.write() as transaction:
                transaction.execute(sa.update(STAFF_SESSIONS).where(mine).values(seen_at=clock.micros(now)))
        return session

    def remembers(self, secret: str) -> bool:
        """Whether this process found that session a short while ago. It asks no database, and gives nobody any right."""
        with self._remembering:
            return digest(secret) in self._remembered

    def list_of(self, account: Account) -> Sequence[Session]:
        """The sessions of an account, the newest first."""
        query = _select().where(STAFF_SESSIONS.c.staff == account.name, *self._living())
        with self._storage.read() as transaction:
            return [_make_session(row) for row in transaction.rows(query.order_by(STAFF_SESSIONS.c.opened_at.desc()))]

    def end(self, account: Account, id: str, address: str) -> None:
        """End a session of an account.

        Raises:
            SessionUnknown: the account has no session with this id.
        """
        mine = (STAFF_SESSIONS.c.staff == account.name) & (STAFF_SESSIONS.c.id == id)
        with self._storage.write() as transaction:
            if not transaction.execute(sa.delete(STAFF_SESSIONS).where(mine)):
                raise SessionUnknown("There is no such session.")
            by = account.act_from(address)
            note(transaction, Action(Verb.SESSION_END, by, Object("session", id), account.participant))

    def note_proof(self, session: Session, address: str) -> None:
        """Note that the member proved the account again in this session."""
        now = clock.micros(clock.now())
        with self._storage.write() as transaction:
            mine = STAFF_SESSIONS.c.id == session.id
            transaction.execute(sa.update(STAFF_SESSIONS).where(mine).values(proved_at=now, seen_at=now))
            by, account = session.account.act_from(address), session.account
            note(transaction, Action(Verb.SESSION_PROVE, by, Object("session", session.id), account.participant))

    def _living(self) -> Sequence[sa.ColumnElement[bool]]:
        now, table = clock.now(), STAFF_SESSIONS.c
        return (
            table.seen_at > clock.micros(now - self._idle),
            table.opened_at > clock.micros(now - self._longest),
            STAFF.c.disabled_at.is_(None),
        )

    def _forget_ended(self, transaction: Transaction) -> None:
        now, table = clock.now(), STAFF_SESSIONS.c
        ended = (table.seen_at <= clock.micros(now - self._idle)) | (
            table.opened_at <= clock.micros(now - self._longest)
        )
        transaction.execute(sa.delete(STAFF_SESSIONS).where(ended))


def _select() -> sa.Select[Any]:
    table = STAFF_SESSIONS.c
    own = (table.id, table.opened_at, table.seen_at, table.proved_at, table.address, table.browser)
    return select_accounts(*own).join(STAFF, STAFF.c.name == table.staff)


def _make_session(row: Any) -> Session:
    return Session(
        row.id,
        make_account(row),
        clock.moment(row.opened_at),
        clock.moment(row.seen_at),
        clock.moment(row.proved_at),
        row.address,
        row.browser,
    )
