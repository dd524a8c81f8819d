"""Actors: who acts on the bus, by which way, and from where."""

import os
import pwd
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_LOGIN: Final = Path("/proc/self/loginuid")
_NOBODY: Final = 2**32 - 1

OPERATOR = "operator"
"""The participant that `bus init` makes. Commands on the bus's own machine act as it."""
COMMAND_LINE = "command line"
"""Stands for the client where the operator works on the bus's own machine; no client has this id."""


class Channel(StrEnum):
    """By which way somebody acts."""

    HTTP = "http"
    CLI = "cli"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        participant: the participant that acts; empty where nobody proved who they are.
        is_operator: whether the actor may do what the owners of things may.
        address: the client's network address; for a command or a process, the name of its machine.
        client_id: the OAuth client; None for a command or a process.
        user: the operating system's user, through `sudo` the one who logged in; None for a request.
        trace_id: of the request (W3C Trace Context), where it has one.
    """

    participant: str
    is_operator: bool
    channel: Channel
    address: str
    client_id: str | None = None
    user: str | None = None
    trace_id: str | None = None

    @property
    def reach(self) -> str | None:
        """Whose things the actor may steer: its own participant's; None: everybody's."""
        return None if self.is_operator else self.participant

    @property
    def is_command_line(self) -> bool:
        """Whether the operator works on the bus's own machine."""
        return self.is_operator and self.channel is not Channel.HTTP

    @property
    def client_name(self) -> str | None:
        """What histories keep of the client: its id, or `command line`."""
        return COMMAND_LINE if self.is_command_line else self.client_id

    @property
    def label(self) -> str:
        """The actor in one text: `operator (client_k3v5…)`, or `operator (user budi on bus-1)`."""
        if self.client_id is not None:
            return f"{self.participant} ({self.client_id})"
        return f"{self.participant} (user {self.user} on {self.address})" if self.user else self.participant


def make_anonymous(address: str) -> Actor:
    """Somebody at a network address who did not prove who they are."""
    return Actor("", is_operator=False, channel=Channel.HTTP, address=address)


def identify_operator(channel: Channel) -> Actor:
    """The operator, as the user that runs this command or process."""
    return Actor(OPERATOR, is_operator=True, channel=channel, address=socket.gethostname(), user=_find_user())


def _find_user() -> str:
    # Not from the environment, which whoever starts the command may set as they like.
    login = read_login_uid(_LOGIN)
    number = os.getuid() if login is None else login
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def read_login_uid(path: Path) -> int | None:
    """The number of the user who logged in, whom Linux remembers through `sudo`; None where nobody did."""
    try:
        number = int(path.read_text())
    except (OSError, ValueError):
        return None
    return None if number == _NOBODY else number
