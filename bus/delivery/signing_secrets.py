"""The signing secrets of one subscription: the newest, and those before it, each to its own end."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bus import clock
from bus.problem import Conflict

ROTATION_SECONDS: Final = 24 * 3600
"""How long an old secret signs beside the new one."""
MOST_SECRETS: Final = 10
"""Secrets that sign at a time. Each is a signature in the header of every webhook."""


class TooManySecrets(Conflict):
    """Too many secrets of this subscription sign already; use the newest one, or rotate again when one has ended."""

    slug = "too-many-secrets"


class SigningSecret(NamedTuple):
    """One secret.

    Attributes:
        secret: `whsec_…`.
        until: microseconds since 1970 at which it ends; None for the newest.
    """

    secret: str
    until: int | None


def drop_ended(secrets: Sequence[SigningSecret], now: int) -> list[SigningSecret]:
    """The secrets that sign at a moment, in their order."""
    return [one for one in secrets if one.until is None or one.until > now]


def rotate(secrets: Sequence[SigningSecret], new: str, now: int) -> list[SigningSecret]:
    """The secrets with a new one first. The newest before it has a day left, and the others keep their ends.

    Raises:
        TooManySecrets: as many sign as may.
    """
    kept = drop_ended(secrets, now)
    if len(kept) >= MOST_SECRETS:
        end = clock.rfc3339(clock.moment(min(one.until for one in kept if one.until is not None)))
        raise TooManySecrets(f"{MOST_SECRETS} secrets of this subscription sign already; the next one ends at {end}.")
    until = now + ROTATION_SECONDS * 1_000_000
    return [SigningSecret(new, None), *(one._replace(until=until) if one.until is None else one for one in kept)]
