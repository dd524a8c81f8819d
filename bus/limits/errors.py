"""The refusals of limits. The bus accepted nothing, and the same request may pass later.

The status is 429, or 503 if other participants also cause the refusal.
"""

import math

from bus.limits.rate import Bucket
from bus.problem import Invalid, Refused
from bus.telemetry import LIMITED


class Limited(Refused):
    """You have used up your limit for this time; wait as long as Retry-After says.

    Attributes:
        limit: the name of the limit.
        participant: the participant that used it up; empty if it is not known.
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
    """You have too many of these requests open at once; wait until some of them end."""

    slug = "too-many-at-once"


class Crowded(Limited):
    """All participants together have too many of these requests open; wait as long as Retry-After says."""

    status = 503
    slug = "crowded"


class Full(Limited):
    """You have reached the largest number that you may store; remove some, or ask the operator for more."""

    slug = "too-many"


class LimitsRefused(Invalid):
    """A limit does not exist, or cannot have the given value."""

    status = 422
    slug = "limits"


def make_limited(bucket: Bucket, now: float, participant: str) -> Limited:
    """The refusal of a request whose bucket is empty."""
    rate = bucket.rate
    detail = f"{bucket.name}: at most {rate.quota} in {rate.seconds} s; wait, or ask the operator for more."
    refusal = Limited(bucket.name, detail, bucket.compute_wait(now), participant)
    refusal.headers |= {name.decode(): value.decode() for name, value in bucket.write_fields()}
    return refusal
