"""The runner of jobs: asks the questions of jobs, beside the questions that are answered live.

Promise: a question is settled once, with an answer or a refusal. What may pass, such as an agency that is away, is tried again.
Jobs take turns, so that long jobs, and jobs whose agency is away, hold up no others. A job whose client may not ask any more asks
nothing.
"""

import asyncio
import time
from typing import Final

import structlog

from bus.agencies.jobs import Job, Jobs, KeptQuestion, QuestionState
from bus.agencies.queries import Queries
from bus.identity import Participants, Scope
from bus.ids import new_id
from bus.problem import Forbidden, Refused, Unavailable
from bus.storage import StorageFull

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 4
"""Questions of one job that are asked at once, of the eight that an agency gets: live questions go on."""
_MOST_JOBS: Final = 4
_MOST_ATTEMPTS: Final = 5
_LOOK_SECONDS: Final = 2.0
_SLICE_SECONDS: Final = 5.0
"""After it, a job gives its place to the next one. A round of questions that has begun ends first."""
_LONGEST_PAUSE: Final = 30.0
"""Seconds; less than the lease of a job."""
_PASSING: Final = frozenset({503})
_AT_ONCE_SLUG: Final = "too-many-at-once"


class JobRunner:
    """Runs jobs. Belongs to one event loop.

    Args:
        jobs: the jobs.
        queries: asks the questions.
        participants: knows which clients may still ask.
        slice_seconds: how long a job keeps its place.
    """

    def __init__(
        self, jobs: Jobs, queries: Queries, participants: Participants, slice_seconds: float = _SLICE_SECONDS
    ) -> None:
        self._participants = participants
        self._slice_seconds = slice_seconds
        self._jobs = jobs
        self._queries = queries
        self._holder = new_id("runner")
        self._bell = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def ring(self) -> None:
        """Say that there is a new job."""
        self._bell.set()

    async def follow(self) -> None:
        """Run jobs until cancelled. The jobs then go on in another process, or after the next start."""
        try:
            while True:
                await self._start_jobs()
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._bell.wait()
                    self._bell.clear()
                except TimeoutError:
                    continue
        finally:
            running = list(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _start_jobs(self) -> None:
        try:
            await asyncio.to_thread(self._jobs.delete_old)
            while len(self._running) < _MOST_JOBS:
                job = await asyncio.to_thread(self._jobs.claim, self._holder)
                if job is None:
                    return
                task = asyncio.create_task(self._run(job), name="query-job")
                self._running.add(task)
                task.add_done_callback(self._finish)
        except (Unavailable, StorageFull) as refusal:
            log.warning("query.jobs_wait", reason=refusal.slug)

    def _finish(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The job's lease ends, and it is tried again; other jobs go on.
            log.error("query.job_failed", error=type(error).__name__)
        # There may be another job that waits for the place.
        self._bell.set()

    async def _run(self, job: Job) -> None:
        until = time.monotonic() + self._slice_seconds
        try:
            while waiting := await asyncio.to_thread(self._jobs.read_waiting, job.id, _AT_ONCE):
                if not await asyncio.to_thread(self._jobs.renew, job.id, self._holder):
                    return
                hindrance = await asyncio.to_thread(self._find_hindrance, job)
                pauses = await asyncio.gather(*(self._ask(job, one, hindrance) for one in waiting))
                pause = max(pauses)
                if pause > _LOOK_SECONDS or time.monotonic() >= until:
                    # Nobody keeps a place only to wait.
                    await asyncio.to_thread(self._jobs.release, job.id, self._holder, pause)
                    return
                await asyncio.sleep(pause)
            await asyncio.to_thread(self._jobs.finish, job.id)
        except (Unavailable, StorageFull) as refusal:
            # The lease ends, and the job goes on.
            log.warning("query.jobs_wait", reason=refusal.slug)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._jobs.release, job.id, self._holder)
            raise

    def _find_hindrance(self, job: Job) -> Refused | None:
        """Why a job's questions are not asked; None: the client that made the job could still ask them live."""
        client = self._participants.find_client(job.client_id)
        if client is None or client.revoked or Scope.QUERIES_CALL not in client.scopes:
            return ClientMayNotAsk(f"{job.client_id} was revoked, or lost the scope {Scope.QUERIES_CALL}.")
        if not self._jobs.has_room(job.participant):
            return TooManyAnswers("The answers of this participant's jobs have as many bytes as the bus keeps for it.")
        return None

    async def _ask(self, job: Job, question: KeptQuestion, hindrance: Refused | None) -> float:
        """Ask a question, and keep what became of it; return for how many seconds the job should pause."""
        try:
            if hindrance is not None:
                raise hindrance
            collected = await self._queries.collect(job.contract, question.data, job.asker)
            state, content = QuestionState.ANSWERED, collected.to_document()
        except Refused as refusal:
            if _may_pass(refusal) and question.attempts + 1 < _MOST_ATTEMPTS:
                await asyncio.to_thread(self._jobs.note_attempt, job.id, question.number, question.attempts + 1)
                return _read_pause(refusal, question.attempts)
            state, content = QuestionState.REFUSED, refusal.to_document()
        except Exception as error:  # noqa: BLE001 - a defect that one question meets must not hold up the others
            log.error("query.job_question_failed", contract=job.contract, error=type(error).__name__)
            state, content = (
                QuestionState.REFUSED,
                _Defect("The bus failed at this question; tell the operator.").to_document(),
            )
        await asyncio.to_thread(self._jobs.settle, job.id, question.number, state, content)
        return 0.0


class ClientMayNotAsk(Forbidden):
    """The client that made the job may ask no questions any more; ask with another client."""

    slug = "client-may-not-ask"


class TooManyAnswers(Refused):
    """The bus keeps no more answers for your participant; read those that are there, and ask the others once these ended."""

    status = 429
    slug = "too-many-answers"


class _Defect(Refused):
    """The bus failed."""

    status = 500
    slug = "internal"


def _may_pass(refusal: Refused) -> bool:
    return refusal.status in _PASSING or refusal.slug == _AT_ONCE_SLUG


def _read_pause(refusal: Refused, attempts: int) -> float:
    told = refusal.headers.get("Retry-After", "")
    return min(_LONGEST_PAUSE, max(float(told) if told.isdigit() else 0.0, 0.5 * 2.0**attempts))
