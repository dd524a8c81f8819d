"""A flow: the requests of one participant to one host."""

from typing import NamedTuple


class Flow(NamedTuple):
    """Requests of one participant to one host."""

    participant: str
    host: str
