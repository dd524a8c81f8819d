"""Who changes the register of contracts."""

from dataclasses import dataclass
from typing import Final

COMMAND_LINE: Final = "command line"
"""Stands for the client where the operator works on the bus's own machine; no client has this id."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes the register: a participant, and whether as the operator, who may do what owners may.

    Attributes:
        client_id: the participant's client; `command line` on the bus's own machine; None: not known.
    """

    participant: str
    is_operator: bool = False
    client_id: str | None = None

    @property
    def is_command_line(self) -> bool:
        """Whether the operator works on the bus's own machine."""
        return self.is_operator and self.client_id == COMMAND_LINE
