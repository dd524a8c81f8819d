"""Rates and their buckets, as tables."""

import pytest

from bus.limits import Bucket, Rate

RATES = {
    "600/60s": Rate(600, 60),
    "600/m": Rate(600, 60),
    "600/1m": Rate(600, 60),
    "5/s": Rate(5, 1),
    "1000/1h": Rate(1000, 3600),
    "2500/1d": Rate(2500, 86_400),
}


@pytest.mark.parametrize(("text", "rate"), RATES.items())
def test_a_rate_is_read_and_written(text: str, rate: Rate):
    assert Rate.parse(text) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "5", "0/s", "-1/s", "5/0s", "5/2d", "5/s ", "5.5/s", "1e3/s", "５/s", None, 5, True, "9999999999/s"]
)
def test_what_is_no_rate_is_refused(text: object):
    with pytest.raises(ValueError, match="such as 600/60s"):
        Rate.parse(text)


def a_bucket(quota: int = 10, seconds: int = 10) -> Bucket:
    return Bucket("publish", Rate(quota, seconds), 0.0)


def test_a_bucket_fills_at_its_rate_and_never_over_its_quota():
    bucket = a_bucket()
    bucket.charge(10)
    assert bucket.refill(0.0) == 0
    assert bucket.refill(3.0) == pytest.approx(3)
    assert bucket.refill(1000.0) == 10


def test_what_is_larger_than_what_is_left_makes_a_debt_that_has_to_be_waited_for():
    bucket = a_bucket()
    bucket.charge(25)
    assert bucket.refill(0.0) == -15
    assert bucket.compute_wait(0.0) == pytest.approx(16)
    assert bucket.refill(15.9) < 1
    assert bucket.refill(16.1) > 1


def test_over_time_no_more_passes_than_the_rate_allows():
    bucket, passed = a_bucket(quota=100, seconds=10), 0
    for tick in range(10_000):
        now = tick / 100
        if bucket.refill(now) >= 1:
            bucket.charge(7)
            passed += 7
    # 100 seconds of 10 each, and the quota that was there at the start; the last one may make a debt.
    assert passed == pytest.approx(1100, abs=7)


@pytest.mark.parametrize(("quota", "left"), [(100, 90), (10, 0), (5, -5)])
def test_what_was_spent_stays_spent_when_the_rate_changes(quota: int, left: int):
    bucket = a_bucket()
    bucket.charge(10)
    bucket.change(Rate(quota, 10), 0.0)
    assert bucket.refill(0.0) == left


def test_what_was_spent_elsewhere_is_not_told_to_others_again():
    bucket = a_bucket()
    bucket.charge(2)
    bucket.charge_elsewhere(3)
    assert (bucket.refill(0.0), bucket.spent) == (5, 2)


@pytest.mark.parametrize(
    ("spent", "steps", "limit"),
    [
        (0, 0, b'"publish";r=100;t=0'),
        (1, 0, b'"publish";r=99;t=1'),
        (1, 20, b'"publish";r=95;t=1'),
        (98, 20, b'"publish";r=0;t=10'),
        (100, 0, b'"publish";r=0;t=10'),
        (500, 0, b'"publish";r=0;t=10'),
    ],
)
def test_the_fields_tell_no_more_than_is_left(spent: int, steps: int, limit: bytes):
    bucket = a_bucket(quota=100, seconds=10)
    bucket.charge(spent)
    assert bucket.write_fields(steps) == ((b"ratelimit", limit), (b"ratelimit-policy", b'"publish";q=100;w=10'))
