"""Jobs: questions to an agency that are answered one after the other, and kept for an hour.

Promise: a job survives a restart. Questions and answers are encrypted. An answer is kept whole, and cut to the grant of its
reader when it is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final

import sqlalchemy as sa

from bus import clock, json
from bus.agencies.tables import QUERY_JOBS, QUERY_QUESTIONS
from bus.identity import Keys, Principal
from bus.ids import new_id
from bus.problem import NotFound, Refused
from bus.storage import Storage, Transaction

KEPT: Final = timedelta(hours=1)
"""How long a job is kept once all of its questions are settled."""
MOST_QUESTIONS: Final = 1_000
_LEASE: Final = timedelta(minutes=1)
"""After it, a job whose process is silent belongs to whoever claims it."""
_MOST_UNFINISHED: Final = 3
_MOST_KEPT: Final = 20
MOST_KEPT_CHARACTERS: Final = 64 * 1024 * 1024
"""Encrypted characters of questions and answers that the bus keeps for one participant, all jobs together."""
_MOST_READ: Final = 4 * 1024 * 1024
"""Encrypted characters that are read at once; one question more may pass it."""
_RETRY_SECONDS: Final = "60"

_JOBS: Final = QUERY_JOBS.c
_QUESTIONS: Final = QUERY_QUESTIONS.c


class NoSuchJob(NotFound):
    """There is no such job of your participant; a job is kept for an hour after its last answer."""

    slug = "no-such-job"


class TooManyJobs(Refused):
    """Your participant has as many jobs as the bus keeps for it; wait until some of them are done, or end."""

    status = 429
    slug = "too-many-jobs"


class QuestionState(IntEnum):
    """What became of a question."""

    WAITING = 0
    ANSWERED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as it stands.

    Attributes:
        participant: who asked; nobody else reads the answers.
        client_id: the client that asked.
        created_at: in microseconds since 1970.
        done_at: when the last question was settled, in microseconds since 1970; None: some wait.
    """

    id: str
    participant: str
    client_id: str
    contract: str
    created_at: int
    done_at: int | None
    total: int
    answered: int
    refused: int

    @property
    def asker(self) -> Principal:
        """Who asks."""
        return Principal(self.participant, self.client_id, frozenset(), 0.0, "")


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """A question of a job.

    Attributes:
        number: its place in the job, from 0.
        data: the question.
        state: what became of it.
        content: of an answered question, what `Queries.collect` returned, as a document; of a refused one, the problem.
        attempts: how often it was asked in vain.
    """

    number: int
    data: Any
    state: QuestionState
    content: Any = None
    attempts: int = 0


class Jobs:
    """The jobs of one bus. Synchronous: call it from threads.

    Args:
        storage: the database.
        keys: encrypt questions and answers.
        now: the current time.
    """

    def __init__(self, storage: Storage, keys: Keys, now: Callable[[], datetime] = clock.now) -> None:
        self._storage = storage
        self._keys = keys
        self._now = now

    def create(self, asker: Principal, contract: str, questions: Sequence[Any]) -> Job:
        """A new job.

        Raises:
            TooManyJobs: the participant has too many.
        """
        job = new_id("job")
        at = clock.micros(self._now())
        with self._storage.write() as transaction:
            self._delete_old(transaction)
            _check_number(transaction, asker.participant)
            values = {"id": job, "participant": asker.participant, "client_id": asker.client_id, "contract": contract}
            # Claimable at once, behind all jobs that had their turn before.
            leased = {"created_at": at, "holder": "", "leased_until": at - 1}
            transaction.execute(sa.insert(QUERY_JOBS).values(**values, **leased))
            rows = [
                {"job": job, "number": number, "question": self._seal(data), "state": 0, "attempts": 0}
                for number, data in enumerate(questions)
            ]
            transaction.execute(sa.insert(QUERY_QUESTIONS), rows)
        return Job(job, asker.participant, asker.client_id, contract, at, None, len(questions), 0, 0)

    def read(self, job: str, participant: str) -> Job:
        """A participant's job.

        Raises:
            NoSuchJob: the participant has none of this id, or its time is over.
        """
        with self._storage.read() as transaction:
            row = transaction.one(sa.select(QUERY_JOBS).where(_JOBS.id == job, _JOBS.participant == participant))
            if row is None or (row.done_at is not None and row.done_at < self._find_oldest()):
                raise NoSuchJob(f"{participant} has no job {job}.")
            return _make_job(transaction, row)

    def read_settled(self, job: str, after: int, limit: int) -> list[KeptQuestion]:
        """The settled questions behind a number, in order, up to the first one that waits.

        They end with the one whose content passes some megabytes: each of them may have that many.

        Args:
            after: the number; -1 for the first question.
            limit: most questions.
        """
        behind = _QUESTIONS.job == job, _QUESTIONS.number > after
        size = sa.func.coalesce(sa.func.length(_QUESTIONS.content), 0)
        looked_at = sa.select(
            _QUESTIONS.number, _QUESTIONS.state, (size + sa.func.length(_QUESTIONS.question)).label("size")
        )
        with self._storage.read() as transaction:
            rows = transaction.rows(looked_at.where(*behind).order_by(_QUESTIONS.number).limit(limit))
            last, total = after, 0
            for row in rows:
                if row.state == QuestionState.WAITING or total >= _MOST_READ:
                    break
                last, total = row.number, total + row.size
            wanted = sa.select(QUERY_QUESTIONS).where(*behind, _QUESTIONS.number <= last).order_by(_QUESTIONS.number)
            return [self._open(row) for row in transaction.rows(wanted)]

    def claim(self, holder: str) -> Job | None:
        """The unfinished job that nobody has worked on for the longest, for this process; None: all have a process."""
        at = self._now()
        free = _JOBS.done_at.is_(None), _JOBS.leased_until < clock.micros(at)
        with self._storage.read() as transaction:
            if transaction.one(sa.select(_JOBS.id).where(*free).limit(1)) is None:
                return None
        with self._storage.write() as transaction:
            row = transaction.one(sa.select(QUERY_JOBS).where(*free).order_by(_JOBS.leased_until).limit(1))
            if row is None or not transaction.execute(
                sa.update(QUERY_JOBS).where(_JOBS.id == row.id, *free).values(**self._lease(holder, at))
            ):
                return None
            return _make_job(transaction, row)

    def renew(self, job: str, holder: str) -> bool:
        """Hold a job for longer; False: another process works on it now."""
        mine = sa.update(QUERY_JOBS).where(_JOBS.id == job, _JOBS.holder == holder)
        with self._storage.write() as transaction:
            return bool(transaction.execute(mine.values(**self._lease(holder, self._now()))))

    def release(self, job: str, holder: str, seconds: float = 0.0) -> None:
        """Let any process go on with a job, once some seconds have passed. Jobs that wait longer come first."""
        mine = sa.update(QUERY_JOBS).where(_JOBS.id == job, _JOBS.holder == holder)
        until = clock.micros(self._now() + timedelta(seconds=seconds)) - 1
        with self._storage.write() as transaction:
            transaction.execute(mine.values(leased_until=until))

    def read_waiting(self, job: str, limit: int) -> list[KeptQuestion]:
        """Questions of a job that wait, those first that were asked the least."""
        mine = _QUESTIONS.job == job, _QUESTIONS.state == QuestionState.WAITING
        wanted = sa.select(QUERY_QUESTIONS).where(*mine).order_by(_QUESTIONS.attempts, _QUESTIONS.number).limit(limit)
        with self._storage.read() as transaction:
            return [self._open(row) for row in transaction.rows(wanted)]

    def has_room(self, participant: str) -> bool:
        """Whether the bus keeps further answers for a participant."""
        with self._storage.read() as transaction:
            return _measure(transaction, participant) < MOST_KEPT_CHARACTERS

    def settle(self, job: str, number: int, state: QuestionState, content: Mapping[str, Any]) -> None:
        """Keep what became of a question. The first word on it stays."""
        self._update(job, number, state=int(state), content=self._seal(content))

    def note_attempt(self, job: str, number: int, attempts: int) -> None:
        """Note how often a question was asked in vain."""
        self._update(job, number, attempts=attempts)

    def finish(self, job: str) -> None:
        """End a job, if no question of it waits. From now on its time runs."""
        left = sa.exists().where(_QUESTIONS.job == job, _QUESTIONS.state == QuestionState.WAITING)
        done = sa.update(QUERY_JOBS).where(_JOBS.id == job, _JOBS.done_at.is_(None), ~left)
        with self._storage.write() as transaction:
            transaction.execute(done.values(done_at=clock.micros(self._now())))

    def delete_old(self) -> None:
        """Delete the jobs whose time is over, with their answers."""
        with self._storage.read() as transaction:
            old = transaction.one(sa.select(_JOBS.id).where(_JOBS.done_at < self._find_oldest()).limit(1))
        if old is not None:
            with self._storage.write() as transaction:
                self._delete_old(transaction)

    def _delete_old(self, transaction: Transaction) -> None:
        old = sa.select(_JOBS.id).where(_JOBS.done_at < self._find_oldest())
        transaction.execute(sa.delete(QUERY_QUESTIONS).where(_QUESTIONS.job.in_(old.scalar_subquery())))
        transaction.execute(sa.delete(QUERY_JOBS).where(_JOBS.done_at < self._find_oldest()))

    def _find_oldest(self) -> int:
        return clock.micros(self._now() - KEPT)

    def _lease(self, holder: str, at: datetime) -> dict[str, Any]:
        return {"holder": holder, "leased_until": clock.micros(at + _LEASE)}

    def _update(self, job: str, number: int, **values: Any) -> None:
        mine = _QUESTIONS.job == job, _QUESTIONS.number == number, _QUESTIONS.state == QuestionState.WAITING
        with self._storage.write() as transaction:
            transaction.execute(sa.update(QUERY_QUESTIONS).where(*mine).values(**values))

    def _seal(self, value: Any) -> str:
        return self._keys.encrypt(json.dumps(value).decode())

    def _open(self, row: Any) -> KeptQuestion:
        content = None if row.content is None else json.loads(self._keys.decrypt(row.content))
        data = json.loads(self._keys.decrypt(row.question))
        return KeptQuestion(row.number, data, QuestionState(row.state), content, row.attempts)


def _make_job(transaction: Transaction, row: Any) -> Job:
    counted = sa.select(_QUESTIONS.state, sa.func.count().label("number")).where(_QUESTIONS.job == row.id)
    counts = {one.state: one.number for one in transaction.rows(counted.group_by(_QUESTIONS.state))}
    answered, refused = counts.get(QuestionState.ANSWERED, 0), counts.get(QuestionState.REFUSED, 0)
    about = row.id, row.participant, row.client_id, row.contract, row.created_at, row.done_at
    return Job(*about, sum(counts.values()), answered, refused)


def _check_number(transaction: Transaction, participant: str) -> None:
    mine = _JOBS.participant == participant
    count = sa.select(sa.func.count()).select_from(QUERY_JOBS)
    unfinished = transaction.value(count.where(mine, _JOBS.done_at.is_(None)))
    if unfinished >= _MOST_UNFINISHED or transaction.value(count.where(mine)) >= _MOST_KEPT:
        detail = f"A participant has at most {_MOST_UNFINISHED} unfinished jobs, and {_MOST_KEPT} altogether."
        raise TooManyJobs(detail, headers={"Retry-After": _RETRY_SECONDS})
    if _measure(transaction, participant) >= MOST_KEPT_CHARACTERS:
        detail = "The answers of this participant's jobs have as many bytes as the bus keeps for it, until they end."
        raise TooManyJobs(detail, headers={"Retry-After": _RETRY_SECONDS})


def _measure(transaction: Transaction, participant: str) -> int:
    """The encrypted characters that the bus keeps for a participant."""
    size = sa.func.length(_QUESTIONS.question) + sa.func.coalesce(sa.func.length(_QUESTIONS.content), 0)
    mine = sa.select(_JOBS.id).where(_JOBS.participant == participant).scalar_subquery()
    return int(transaction.value(sa.select(sa.func.coalesce(sa.func.sum(size), 0)).where(_QUESTIONS.job.in_(mine))))
