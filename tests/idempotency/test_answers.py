"""Kept answers: one answer for one request of a client, whoever asks again, and nothing that a stranger could read."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bus.idempotency import KEPT, Claim, KeptAnswer, KeptAnswers, KeyReused, RequestInFlight, TooManyKeys
from bus.idempotency.tables import KEPT_ANSWERS
from bus.identity import Keys
from bus.storage import Storage

SECRET = "whsec_rahasia"
MADE = KeptAnswer(201, {"Location": "/v1/subscriptions/sub_1"}, f'{{"secret":"{SECRET}"}}')
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(storage: Storage, bus_keys: Keys, clock: Clock) -> KeptAnswers:
    return KeptAnswers(storage, bus_keys, clock)


def claim(answers: KeptAnswers, client: str = "client_1", key: str = KEY, request: str = "asked") -> Claim:
    claimed = answers.claim(client, key, request)
    assert isinstance(claimed, Claim)
    return claimed


def keep(storage: Storage, answers: KeptAnswers, claimed: Claim) -> None:
    with storage.write() as transaction:
        answers.keep(transaction, claimed, MADE)


def test_the_first_answer_is_given_again(storage: Storage, answers: KeptAnswers):
    keep(storage, answers, claim(answers))
    assert answers.claim("client_1", KEY, "asked") == MADE


def test_another_process_gives_the_first_answer_too(
    storage: Storage, bus_keys: Keys, answers: KeptAnswers, clock: Clock
):
    keep(storage, answers, claim(answers))
    assert KeptAnswers(storage, bus_keys, clock).claim("client_1", KEY, "asked") == MADE


def test_another_request_with_the_key_is_refused(storage: Storage, answers: KeptAnswers):
    keep(storage, answers, claim(answers))
    with pytest.raises(KeyReused):
        answers.claim("client_1", KEY, "something else")


def test_another_request_is_refused_while_the_first_is_under_way(answers: KeptAnswers):
    claim(answers)
    with pytest.raises(KeyReused):
        answers.claim("client_1", KEY, "something else")


def test_a_request_under_way_is_told_so(answers: KeptAnswers):
    claim(answers)
    with pytest.raises(RequestInFlight) as refused:
        answers.claim("client_1", KEY, "asked")
    assert refused.value.headers["Retry-After"] == "1"


def test_each_client_has_keys_of_its_own(storage: Storage, answers: KeptAnswers):
    keep(storage, answers, claim(answers))
    claim(answers, "client_2")


def test_a_request_that_was_refused_may_be_sent_again(answers: KeptAnswers):
    answers.release(claim(answers))
    claim(answers)


def test_a_request_whose_process_died_may_be_sent_again(answers: KeptAnswers, clock: Clock):
    claim(answers)
    clock.now += timedelta(minutes=2)
    claim(answers)


def test_a_process_that_was_given_up_makes_nothing_more(storage: Storage, answers: KeptAnswers, clock: Clock):
    late = claim(answers)
    clock.now += timedelta(minutes=2)
    keep(storage, answers, claim(answers))
    with pytest.raises(RequestInFlight):
        keep(storage, answers, late)
    answers.release(late)
    assert answers.claim("client_1", KEY, "asked") == MADE


def test_two_processes_never_answer_one_request(storage: Storage, answers: KeptAnswers, clock: Clock):
    late = claim(answers)
    clock.now += timedelta(minutes=2)
    present = claim(answers)
    with pytest.raises(RequestInFlight):
        keep(storage, answers, late)
    keep(storage, answers, present)


def test_an_answer_is_kept_for_its_time_and_no_longer(storage: Storage, answers: KeptAnswers, clock: Clock):
    keep(storage, answers, claim(answers))
    clock.now += KEPT - timedelta(seconds=1)
    assert answers.claim("client_1", KEY, "asked") == MADE
    clock.now += timedelta(seconds=1)
    claim(answers)


def test_old_answers_do_not_stay(storage: Storage, answers: KeptAnswers, clock: Clock):
    keep(storage, answers, claim(answers))
    clock.now += KEPT
    claim(answers, key="another")
    assert count(storage) == 1


def test_a_client_has_a_bounded_number_of_keys(answers: KeptAnswers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.idempotency.answers._MOST_KEYS", 2)
    claim(answers, key="1")
    claim(answers, key="2")
    with pytest.raises(TooManyKeys):
        answers.claim("client_1", "3", "asked")
    claim(answers, "client_2")


def test_a_secret_in_an_answer_is_not_readable_with_the_database_and_the_keys(
    storage: Storage, bus_keys: Keys, answers: KeptAnswers
):
    keep(storage, answers, claim(answers))
    with storage.read() as transaction:
        (row,) = transaction.rows(sa.select(KEPT_ANSWERS))
    everything = repr(tuple(row)) + bus_keys.decrypt(row.sealed)
    assert SECRET not in everything
    assert KEY not in everything


def count(storage: Storage) -> int:
    with storage.read() as transaction:
        return int(transaction.value(sa.select(sa.func.count()).select_from(KEPT_ANSWERS)))
