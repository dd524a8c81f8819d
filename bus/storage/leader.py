"""Leadership: at most one process at a time does a job such as relaying.

PostgreSQL: a session's advisory lock, gone with the session. SQLite: a lock on a file beside the database, gone with the
process. Either way a leader killed with SIGKILL is succeeded at once.
"""

from typing import Protocol


class Leadership(Protocol):
    """The right to do one job, held or not."""

    def acquire(self) -> bool:
        """Try to lead (again); True while this process leads. Call it regularly: it also notices a lost database session."""
        ...

    def release(self) -> None:
        """Let another process lead."""
        ...
