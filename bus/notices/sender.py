"""Senders: the ways by which a letter leaves. Each says what the other side answered, or why it did not take the letter."""

from typing import Protocol

from bus.notices.letter import Letter
from bus.notices.recipients import Recipient


class NotSent(Exception):
    """The letter did not reach its recipient, so far as the bus knows. The text holds no address and no secret."""


class Sender(Protocol):
    """One way. Belongs to one event loop."""

    async def send(self, letter: Letter, recipient: Recipient) -> str:
        """Send a letter, and return what the other side answered, on one line.

        Raises:
            NotSent: nobody confirmed that the letter arrived.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
