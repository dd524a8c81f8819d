"""Signing secrets of one subscription: each signs to its own end."""

import pytest

from bus import clock
from bus.delivery.signing_secrets import (
    MOST_SECRETS,
    ROTATION_SECONDS,
    SigningSecret,
    TooManySecrets,
    drop_ended,
    rotate,
)

HOUR, DAY = 3_600_000_000, ROTATION_SECONDS * 1_000_000


def rotated(*moments: int) -> list[SigningSecret]:
    """One secret that was rotated at some moments."""
    secrets = [SigningSecret("first", None)]
    for moment in moments:
        secrets = rotate(secrets, f"at {moment}", moment)
    return secrets


def test_a_second_rotation_within_a_day_dropped_the_receivers_secret_at_once():
    secrets = rotated(0, HOUR, 2 * HOUR)
    assert [(one.secret, one.until) for one in secrets] == [
        (f"at {2 * HOUR}", None),
        (f"at {HOUR}", 2 * HOUR + DAY),
        ("at 0", HOUR + DAY),
        ("first", DAY),
    ]


@pytest.mark.parametrize(("now", "signing"), [(DAY - 1, 4), (DAY, 3), (HOUR + DAY, 2), (100 * DAY, 1)])
def test_each_secret_ends_at_its_own_moment(now: int, signing: int):
    assert len(drop_ended(rotated(0, HOUR, 2 * HOUR), now)) == signing


def test_one_more_secret_than_may_sign_is_refused_with_the_moment_when_one_ends():
    secrets = rotated(*range(MOST_SECRETS - 1))
    with pytest.raises(TooManySecrets, match=clock.rfc3339(clock.moment(DAY))):
        rotate(secrets, "one more", HOUR)
    assert len(rotate(secrets, "one more", DAY)) == MOST_SECRETS
