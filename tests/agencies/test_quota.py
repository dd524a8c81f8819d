"""The quota of an agency, counted over processes and restarts, and split by participant."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from bus.agencies.quotas import ParticipantQuota, QuotaLedger, QuotaTerms
from bus.kit import AdapterSettings, QuotaExhausted
from bus.storage import Storage

AGENCY = "kemendagri"


class Now:
    def __init__(self, moment: datetime = datetime(2026, 11, 24, 10, tzinfo=UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, **time: int) -> None:
        self.moment += timedelta(**time)


class Ledger:
    """A process's ledger; `restart` is another process on the same database."""

    def __init__(self, storage: Storage, daily: int, now: Now | None = None, **parts: int) -> None:
        self._storage = storage
        self.now = now or Now()
        self.terms = QuotaTerms(daily, parts)
        self.restart()

    def restart(self) -> None:
        self.ledger = QuotaLedger(self._storage, self.now)

    def take(self, participant: str = "dinkes") -> None:
        self.ledger.take(AGENCY, participant, self.terms)

    def takes(self, participant: str = "dinkes") -> int:
        """Take until it is refused; how many calls went."""
        for number in range(100):
            try:
                self.take(participant)
            except QuotaExhausted:
                return number
        raise AssertionError("no end")

    @property
    def left(self) -> int:
        return self.ledger.read_left(AGENCY, self.terms)


def test_calls_beyond_the_quota_are_refused(storage: Storage) -> None:
    assert Ledger(storage, 2).takes() == 2


def test_a_restart_and_another_process_renew_nothing(storage: Storage) -> None:
    one, other = Ledger(storage, 3), Ledger(storage, 3)
    one.take()
    one.restart()
    other.take()
    one.take()
    assert (one.takes(), other.takes(), one.left) == (0, 0, 0)


def test_a_refused_call_is_not_counted(storage: Storage) -> None:
    ledger = Ledger(storage, 1)
    ledger.take()
    ledger.takes()
    ledger.terms = QuotaTerms(2)
    assert ledger.takes() == 1


def test_the_refusal_says_how_long_until_midnight_in_lamongan(storage: Storage) -> None:
    ledger = Ledger(storage, 0, Now(datetime(2026, 11, 24, 16, 59, tzinfo=UTC)))  # 23:59 WIB
    with pytest.raises(QuotaExhausted) as caught:
        ledger.take()
    assert caught.value.headers == {"Retry-After": "61"}


def test_a_new_day_in_lamongan_begins_at_17_utc(storage: Storage) -> None:
    ledger = Ledger(storage, 1, Now(datetime(2026, 11, 24, 16, 59, tzinfo=UTC)))
    ledger.take()
    ledger.now.pass_(minutes=2)
    ledger.take()


def test_utc_midnight_renews_nothing(storage: Storage) -> None:
    ledger = Ledger(storage, 1, Now(datetime(2026, 11, 24, 23, 59, tzinfo=UTC)))
    ledger.take()
    ledger.now.pass_(minutes=2)
    assert ledger.takes() == 0


def test_the_agencys_lower_count_is_believed_and_its_higher_is_not(storage: Storage) -> None:
    ledger = Ledger(storage, 10)
    ledger.take()
    ledger.ledger.believe(AGENCY, 1)
    ledger.ledger.believe(AGENCY, 5)
    assert ledger.left == 1
    assert ledger.takes() == 1


def test_what_the_agency_said_yesterday_does_not_count_today(storage: Storage) -> None:
    ledger = Ledger(storage, 2)
    ledger.ledger.believe(AGENCY, 0)
    assert ledger.takes() == 0
    ledger.now.pass_(days=1)
    assert ledger.takes() == 2


def test_no_participant_uses_up_the_part_of_another(storage: Storage) -> None:
    ledger = Ledger(storage, 10, bapenda=4, dinsos=1)
    assert [ledger.takes(who) for who in ("dinkes", "desa-sembung", "bapenda", "dinsos")] == [5, 0, 4, 1]


def test_a_call_that_its_part_refuses_leaves_the_others_as_many(storage: Storage) -> None:
    ledger = Ledger(storage, 3, bapenda=1)
    ledger.take("bapenda")
    with pytest.raises(QuotaExhausted, match="bapenda"):
        ledger.take("bapenda")
    assert ledger.left == 2


async def test_an_adapter_takes_from_its_askers_quota(storage: Storage) -> None:
    ledger = Ledger(storage, 10, bapenda=1)
    quota = ParticipantQuota(ledger.ledger, AGENCY, "bapenda", ledger.terms)
    await quota.take()
    with pytest.raises(QuotaExhausted):
        await quota.take()
    await quota.believe(3)
    assert ledger.left == 3


def test_parts_are_written_as_names_and_numbers() -> None:
    given = {"base_url": "https://badan.example", "daily_quota": "10", "quota_parts": "bapenda:4, dinsos:6"}
    assert AdapterSettings.model_validate(given).quota_parts == {"bapenda": 4, "dinsos": 6}


def test_parts_that_exceed_the_quota_stop_the_start() -> None:
    given = {"base_url": "https://badan.example", "daily_quota": "9", "quota_parts": "bapenda:4,dinsos:6"}
    with pytest.raises(ValidationError, match="daily_quota"):
        AdapterSettings.model_validate(given)
