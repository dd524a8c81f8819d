"""What the room of heavy work refuses."""

from bus.problem import Refused, Unavailable


class TooHeavy(Refused):
    """This asks for more work or memory than the bus gives one request; send less, or something simpler."""

    status = 422
    slug = "too-heavy"


class TooMuchAtOnce(Refused):
    """You have too much heavy work waiting; wait for an answer before you ask again."""

    status = 429
    slug = "too-much-at-once"
    is_overload = True


class HeavyWorkWaits(Unavailable):
    """The bus has too much heavy work waiting; try again."""

    slug = "heavy-work-waits"
    is_overload = True
