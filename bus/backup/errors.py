"""What can go wrong with back-ups, each with what to do about it."""

from bus.problem import Refused


class BackupRefused(Refused):
    """A back-up cannot be made there or so; name another folder or recipient."""

    status = 422
    slug = "backup-refused"


class BackupFailed(Refused):
    """The back-up was not made, or is not whole; nothing was left behind. Mend what the message names and make it again."""

    status = 500
    slug = "backup-failed"


class RestoreUnfinished(Refused):
    """The back-up's database was loaded, and the rest does not fit it; empty that database before you restore another."""

    status = 422
    slug = "restore-unfinished"


class RestoreRefused(Refused):
    """This back-up does not become a bus here; nothing was changed."""

    status = 422
    slug = "restore-refused"
