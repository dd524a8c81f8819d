"""What a pull cannot do, by what its user can do about it."""

from bus.problem import Conflict, Forbidden, Refused, Unavailable
from bus.remote import BusAway


class TargetInvalid(Refused):
    """This is no target for a copy; name a file, or a database as sqlite:///… or postgresql://…."""

    slug = "target-invalid"


class TargetForeign(Conflict):
    """The target holds something that this pull did not write; name another target, or move it away."""

    slug = "target-foreign"


class TargetBusy(Conflict):
    """Another pull writes to this target; wait until it ends, or stop it."""

    slug = "target-busy"


class TargetFailed(Unavailable):
    """The target does not take what the pull writes; mend it, and start the pull again."""

    slug = "target-failed"


class KeyHidden(Forbidden):
    """The grant shows no key, and a copy needs one; ask the contract's owner for the key's field."""

    slug = "key-hidden"


class CopyDiffers(Conflict):
    """The copy differs from the bus; start the pull again, which then reads all records anew."""

    slug = "copy-differs"


class AnswerAltered(BusAway):
    """What came is not what the bus sent: something on the way changes it."""

    slug = "answer-altered"
