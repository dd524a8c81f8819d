"""A job: a function from bytes to bytes that may be heavy, and who runs it."""

from collections.abc import Callable
from typing import Protocol

Job = Callable[..., bytes]
"""A function at the top level of a module. It takes bytes and gives bytes: JSON where there is structure, never a pickle."""


class Heavy(Protocol):
    """Runs jobs. `Processes` does it in a server, `Here` in a test or a command."""

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        """The job's answer.

        Args:
            parts: what the job gets.
            who: the participant on whose share the job runs.

        Raises:
            Refused: what the job refused.
            TooHeavy: the job went over its bounds.
            TooMuchAtOnce, HeavyWorkWaits: too many jobs wait.
        """
        ...

    async def close(self) -> None:
        """Stop what runs."""
        ...
