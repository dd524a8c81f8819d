"""A push: an agency sends something to the bus, and proves by its own means that it is the sender."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from bus.kit.rows import Rows
from bus.problem import Refused


class PushUnreadable(Refused):
    """The body of the push is not what the agency's interface says; the agency has to mend it."""

    status = 422
    slug = "push-unreadable"


class Verdict(Enum):
    """What became of a push."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What an agency sent.

    Attributes:
        path: the path at the bus.
        query_string: the query, as it was sent.
        query: the parameters of the query.
        headers: the header fields, with names in lower case.
        at: when the request arrived.
        body: the body; None: it is not read yet.
    """

    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    at: datetime
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What the agency expects as an answer.

    Attributes:
        status: the HTTP status.
        body: a JSON value.
    """

    status: int
    body: Any


@runtime_checkable
class Push(Protocol):
    """Takes what the agency sends to the bus, for operations that do `Does.PUSH`."""

    @abstractmethod
    def verify(self, operation: str, request: PushRequest) -> bool | None:
        """Whether the agency sent the request. None: the proof covers the body, which is not read yet.

        The method compares secrets in constant time. It is called before anything else, so it must be cheap.
        """
        ...

    @abstractmethod
    async def receive(self, operation: str, request: PushRequest) -> Rows:
        """The rows in a request that the agency sent. A row that cannot be read has a fault.

        Raises:
            PushUnreadable: the body has no rows.
            AgencyFault: transient; no worker is free.
        """
        ...

    @abstractmethod
    def answer(self, operation: str, verdict: Verdict) -> PushAnswer | None:
        """What the agency expects as an answer. None: it expects nothing of its own, and gets the bus's answer."""
        ...
