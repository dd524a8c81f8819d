"""Leadership: at most one process at a time does a job such as relaying.

On PostgreSQL a session holds an advisory lock, which ends with the session. On SQLite a process locks a file beside the
database, and the lock ends with the process. So another process can lead at once after a SIGKILL.
"""

from typing import Protocol


class Leadership(Protocol):
    """The right of this process to do one job. The process may hold it or not."""

    def acquire(self) -> bool:
        """Try to lead. Call this regularly: it also notices a lost database session.

        Returns:
            Whether this process leads now.
        """
        ...

    def release(self) -> None:
        """Let another process lead."""
        ...
