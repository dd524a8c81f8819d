"""The refusals of heavy work."""

from bus.problem import Refused, Unavailable


class TooHeavy(Refused):
    """The request needs more time or memory than one request may use; send less, or something simpler."""

    status = 422
    slug = "too-heavy"


class TooMuchAtOnce(Refused):
    """Too many of your heavy requests wait already; wait for an answer before you send more."""

    status = 429
    slug = "too-much-at-once"
    is_overload = True


class HeavyWorkWaits(Unavailable):
    """Too many heavy requests wait on this bus; try again later."""

    slug = "heavy-work-waits"
    is_overload = True
