"""What a limit refuses with. Nothing was accepted, and the same request may pass later: 429, or 503
where others are in the way too."""

import math

from bus.limits.rate import Bucket
from bus.problem import Invalid, Refused
from bus.telemetry import LIMITED


class Limited(Refused):
    """You have used up what you may do in this time; wait as long as Retry-After says.

    Attributes:
        limit: which limit it is.
    """

    status = 429
    slug = "limited"
    is_overload = True

    def __init__(self, limit: str, detail: str, seconds: float, participant: str = "") -> None:
        headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
        super().__init__(detail, headers=headers)
        self.members = {"violated-policies": [limit]}
        self.limit = limit
        self.participant = participant
        LIMITED.labels(limit, participant).inc()


class AtOnce(Limited):
    """You do too much of this at once; wait for some of it to end."""

    slug = "too-many-at-once"


class Crowded(Limited):
    """All participants together do too much of this at once; wait as long as Retry-After says."""

    status = 503
    slug = "crowded"


class Full(Limited):
    """You have as many of these as you may; remove some, or ask the operator for more."""

    slug = "too-many"


class LimitsRefused(Invalid):
    """A limit does not exist, or has no such value."""

    status = 422
    slug = "limits"


def make_limited(bucket: Bucket, now: float, participant: str) -> Limited:
    """The refusal of a request when nothing is left in a bucket."""
    rate = bucket.rate
    detail = f"{bucket.name}: at most {rate.quota} in {rate.seconds} s; wait, or ask the operator for more."
    refusal = Limited(bucket.name, detail, bucket.compute_wait(now), participant)
    refusal.headers |= {name.decode(): value.decode() for name, value in bucket.write_fields()}
    return refusal
