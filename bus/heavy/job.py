"""Jobs: functions from bytes to bytes that may be heavy, and the interface that runs them."""

from collections.abc import Callable
from typing import Protocol

Job = Callable[..., bytes]
"""A function at the top level of a module. It takes and returns bytes. Structured values are JSON, never a pickle."""


class Heavy(Protocol):
    """Runs jobs. A server uses `Processes`; tests and commands use `Here`."""

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        """The job's answer.

        Args:
            job: the function to run.
            parts: the arguments of the job.
            who: the participant whose share the job uses.

        Raises:
            Refused: the job raised this refusal.
            TooHeavy: the job passed a bound of time or memory.
            TooMuchAtOnce, HeavyWorkWaits: too many jobs wait.
        """
        ...

    async def close(self) -> None:
        """Stop all jobs."""
        ...
