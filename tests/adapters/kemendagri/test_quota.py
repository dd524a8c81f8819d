from datetime import UTC, datetime, timedelta

import pytest

from adapters.kemendagri.quota import Quota
from bus.kit import QuotaExhausted


class Now:
    def __init__(self, moment=datetime(2026, 11, 24, 10, tzinfo=UTC)):
        self.moment = moment

    def __call__(self):
        return self.moment

    def pass_(self, **time):
        self.moment += timedelta(**time)


def test_calls_beyond_the_quota_are_refused():
    quota = Quota(2, Now())
    quota.take()
    quota.take()
    with pytest.raises(QuotaExhausted):
        quota.take()


def test_the_refusal_says_how_long_until_midnight_in_lamongan():
    quota = Quota(0, Now(datetime(2026, 11, 24, 16, 59, tzinfo=UTC)))  # 23:59 WIB
    with pytest.raises(QuotaExhausted) as caught:
        quota.take()
    assert caught.value.headers == {"Retry-After": "61"}


def test_a_new_day_in_lamongan_begins_at_17_utc():
    now = Now(datetime(2026, 11, 24, 16, 59, tzinfo=UTC))
    quota = Quota(1, now)
    quota.take()
    now.pass_(minutes=2)
    quota.take()


def test_utc_midnight_renews_nothing():
    now = Now(datetime(2026, 11, 24, 23, 59, tzinfo=UTC))
    quota = Quota(1, now)
    quota.take()
    now.pass_(minutes=2)
    with pytest.raises(QuotaExhausted):
        quota.take()


def test_the_registrys_lower_count_is_believed_and_its_higher_is_not():
    quota = Quota(10, Now())
    quota.believe_registry(1)
    quota.believe_registry(5)
    quota.take()
    with pytest.raises(QuotaExhausted):
        quota.take()
