"""Actors: who acts on the bus, by which channel, and from where."""

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
"""The participant that `bus init` makes. Commands on the bus's own machine act as this participant."""
COMMAND_LINE = "command line"
"""The client's name in histories, if the operator works on the bus's own machine. No client has this id."""
STAFF: Final = "staff"
"""Begins the client's name in histories, if a member of staff works in the console. No client's id begins so."""


class Channel(StrEnum):
    """The way by which an actor reaches the bus."""

    HTTP = "http"
    CLI = "cli"
    CONSOLE = "console"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        participant: the participant that acts; empty if the actor proved no identity.
        is_operator: whether the actor may do everything that the owner of an object may.
        channel: the way by which the actor reaches the bus.
        address: the client's network address; for a command or a process, the name of its machine.
        client_id: the OAuth client; None for a command, a process, or a member of staff in the console.
        user: the operating system's user, behind `sudo` the user who logged in. In the console: the account of a member of
            staff. None for a request of a client.
        trace_id: the request's trace (W3C Trace Context); None if it has no trace.
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
        """The participant whose objects the actor may steer. None: the objects of all participants."""
        return None if self.is_operator else self.participant

    @property
    def is_command_line(self) -> bool:
        """Whether the operator works on the bus's own machine."""
        return self.is_operator and self.channel in (Channel.CLI, Channel.PROCESS)

    @property
    def client_name(self) -> str | None:
        """The client's name in histories: its id, `command line`, or `staff siti`. Each names one person or program."""
        if self.channel is Channel.CONSOLE:
            return f"{STAFF} {self.user}"
        return COMMAND_LINE if self.is_command_line else self.client_id

    @property
    def label(self) -> str:
        """The actor as one text: `operator (client_k3v5…)`, `operator (staff siti)` or `operator (user budi on bus-1)`."""
        if self.channel is Channel.CONSOLE:
            return f"{self.participant} ({self.client_name})"
        if self.client_id is not None:
            return f"{self.participant} ({self.client_id})"
        return f"{self.participant} (user {self.user} on {self.address})" if self.user else self.participant


def make_anonymous(address: str) -> Actor:
    """An actor at a network address who proved no identity."""
    return Actor("", is_operator=False, channel=Channel.HTTP, address=address)


def identify_operator(channel: Channel) -> Actor:
    """The operator on this machine, with the user who runs this command or process."""
    return Actor(OPERATOR, is_operator=True, channel=channel, address=socket.gethostname(), user=_find_user())


def _find_user() -> str:
    # Not from the environment: the user who starts the command can set any name there.
    login = read_login_uid(_LOGIN)
    number = os.getuid() if login is None else login
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def read_login_uid(path: Path) -> int | None:
    """The number of the user who logged in, which Linux keeps through `sudo`. None: no user logged in."""
    try:
        number = int(path.read_text())
    except (OSError, ValueError):
        return None
    return None if number == _NOBODY else number
