"""Jobs in the database: which process works on one, and what stays of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bus.agencies.jobs import Jobs, NoSuchJob, QuestionState, TooManyJobs
from bus.identity import Principal
from tests.a_bus import Bus

ASKER = Principal("dinkes", "client_aaaaaaaaaaaaaaaaaaaa", frozenset(), 0.0, "")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(bus: Bus, clock: Clock) -> Jobs:
    return Jobs(bus.rooms.storage, bus.rooms.keys, clock)


def test_a_job_is_worked_on_by_one_process_at_a_time(jobs: Jobs) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}])
    claimed = jobs.claim("satu")
    assert claimed is not None
    assert claimed.id == job.id
    assert jobs.claim("dua") is None


def test_a_job_of_a_process_that_is_silent_goes_to_another_and_the_first_notices(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}])
    jobs.claim("satu")
    clock.now += timedelta(seconds=50)
    assert jobs.renew(job.id, "satu")
    clock.now += timedelta(seconds=50)
    assert jobs.claim("dua") is None
    clock.now += timedelta(seconds=11)
    assert jobs.claim("dua") is not None
    assert not jobs.renew(job.id, "satu")


def test_a_released_job_is_free_at_once(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}])
    jobs.claim("satu")
    jobs.release(job.id, "satu")
    assert jobs.claim("dua") is not None


def test_a_job_that_pauses_gives_its_place_to_the_next_and_comes_back(jobs: Jobs, clock: Clock) -> None:
    first, second = (jobs.create(ASKER, "uji.tanya", [{"nomor": 1}]) for _ in range(2))
    claimed = jobs.claim("satu")
    assert claimed is not None
    other = second if claimed.id == first.id else first
    jobs.release(claimed.id, "satu", 20)
    clock.now += timedelta(seconds=1)
    # The other one waits longer.
    assert [found and found.id for found in (jobs.claim("dua"), jobs.claim("dua"))] == [other.id, None]
    clock.now += timedelta(seconds=20)
    assert jobs.claim("dua") is not None


def test_the_first_word_on_a_question_stays(jobs: Jobs) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}])
    jobs.settle(job.id, 0, QuestionState.ANSWERED, {"satu": 1})
    jobs.settle(job.id, 0, QuestionState.REFUSED, {"dua": 2})
    (kept,) = jobs.read_settled(job.id, -1, 10)
    assert (kept.state, kept.content) == (QuestionState.ANSWERED, {"satu": 1})


def test_a_job_with_a_question_that_waits_is_not_done(jobs: Jobs) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}, {"nomor": 2}])
    jobs.settle(job.id, 1, QuestionState.ANSWERED, {})
    jobs.finish(job.id)
    assert jobs.read(job.id, "dinkes").done_at is None
    assert jobs.read_settled(job.id, -1, 10) == []
    jobs.settle(job.id, 0, QuestionState.REFUSED, {})
    jobs.finish(job.id)
    done = jobs.read(job.id, "dinkes")
    assert (done.done_at is None, done.answered, done.refused) == (False, 1, 1)
    assert [one.number for one in jobs.read_settled(job.id, -1, 10)] == [0, 1]


def test_a_question_that_was_asked_in_vain_comes_after_the_others(jobs: Jobs) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}, {"nomor": 2}])
    jobs.note_attempt(job.id, 0, 1)
    assert [(one.number, one.attempts) for one in jobs.read_waiting(job.id, 5)] == [(1, 0), (0, 1)]


def test_an_unfinished_job_is_not_deleted_however_old_it_is(jobs: Jobs, clock: Clock) -> None:
    job = jobs.create(ASKER, "uji.tanya", [{"nomor": 1}])
    clock.now += timedelta(days=2)
    jobs.delete_old()
    assert jobs.read(job.id, "dinkes").total == 1
    with pytest.raises(NoSuchJob):
        jobs.read(job.id, "bapenda")


def test_answers_of_all_jobs_of_a_participant_are_bounded_together(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.agencies.jobs.MOST_KEPT_CHARACTERS", 4000)
    first, second = (jobs.create(ASKER, "uji.tanya", [{"nomor": 1}]) for _ in range(2))
    for job in (first, second):
        assert jobs.has_room(ASKER.participant)
        jobs.settle(job.id, 0, QuestionState.ANSWERED, {"isi": "x" * 2000})
        jobs.finish(job.id)
    assert not jobs.has_room(ASKER.participant)
    with pytest.raises(TooManyJobs):
        jobs.create(ASKER, "uji.tanya", [{"nomor": 2}])
    other = replace(ASKER, participant="bapenda")
    assert jobs.has_room(other.participant)
    jobs.create(other, "uji.tanya", [{"nomor": 2}])
    clock.now += timedelta(hours=1, seconds=1)
    jobs.delete_old()
    assert jobs.has_room(ASKER.participant)
