"""Places: bounds the connections of all clients and of each address.

A new connection takes the place of an idle one. It is refused only if every connection has a request under way.
"""

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Final, Protocol

from bus.household import name_household, parse_address
from bus.http.front_door.clients import is_within
from bus.networks import Network

_WANTED_FILES: Final = 65_536
_LEAST_ROOM: Final = 256
"""Files that the process may need beside connections: database, broker, sinks, logs."""
_MOST_CONNECTIONS: Final = 10_000
"""Each may hold 16 kB of a head that is not whole."""
_SHARE_OF_UNFINISHED: Final = 4
"""Strangers' unfinished requests get at most one of this many places."""
_WATCHED: Final = frozenset({"/healthz", "/readyz"})


class Rank(Enum):
    """What a connection may ask for."""

    FULL = auto()
    """Anything."""
    RESERVE = auto()
    """Only health; anything for an operator. The place is beyond the bound."""


class Worth(IntEnum):
    """The order in which connections are pushed out when places run out."""

    UNFINISHED = 0
    """An unfinished head or body of a client without a known token."""
    IDLE = 1
    """A client without a known token, idle between requests."""
    KNOWN = 2
    """A client whose token was verified, and that has no request under way."""


class Guest(Protocol):
    """What `Places` needs of a connection."""

    @property
    def peer(self) -> str:
        """The address at the other end."""
        ...

    @property
    def idle_since(self) -> tuple[Worth, float] | None:
        """How much the connection is worth keeping, and since when it is idle; None: it may not be pushed out."""
        ...

    def push_out(self) -> None:
        """End the connection, since another one needs its place."""
        ...


@dataclass(frozen=True, slots=True)
class PlaceLimits:
    """The most connections.

    Attributes:
        most: connections of all clients.
        most_each: connections from one address. Trusted proxies are exempt: their clients are counted by request.
        reserve: places beyond `most`, for health and operators.
        operators: networks of operators.
    """

    most: int
    most_each: int
    reserve: int
    operators: tuple[Network, ...]


class Places:
    """The connections that are open, by address."""

    def __init__(self, limits: PlaceLimits) -> None:
        self._limits = limits
        self._full: dict[str, set[Guest]] = {}
        self._reserve: set[Guest] = set()
        self._count = 0
        self._requests: dict[str, int] = {}
        # In the order of their beginnings, so that the oldest is found at once.
        self._unfinished: dict[Guest, None] = {}
        self._all_busy = False
        self._only_known = False

    @property
    def count(self) -> int:
        """Connections that are open."""
        return self._count + len(self._reserve)

    def take(self, guest: Guest, *, is_proxy: bool) -> Rank | None:
        """Give a new connection a place. None: there is none, and the connection must end."""
        owner = name_household(guest.peer)
        own = self._full.get(owner, set())
        if not is_proxy and len(own) >= self._limits.most_each and not self._push_out(own):
            return self._take_reserve(guest)
        if self._count >= self._limits.most and not self._push_out_anyone():
            return self._take_reserve(guest)
        self._full.setdefault(owner, set()).add(guest)
        self._count += 1
        return Rank.FULL

    def leave(self, guest: Guest) -> None:
        """Free the place of a connection that has ended, or is about to."""
        self._unfinished.pop(guest, None)
        self._reserve.discard(guest)
        owner = name_household(guest.peer)
        own = self._full.get(owner)
        if own is not None and guest in own:
            own.remove(guest)
            self._count -= 1
            if not own:
                del self._full[owner]

    def mark_unfinished(self, guest: Guest) -> None:
        """Count a stranger's unfinished request. If strangers have more than their share, the oldest is pushed out."""
        self._unfinished.setdefault(guest)
        if len(self._unfinished) > max(1, self._limits.most // _SHARE_OF_UNFINISHED):
            self._push_out_oldest()

    def mark_finished(self, guest: Guest) -> None:
        """Stop counting a connection as unfinished: its request is complete, or its client is known."""
        self._unfinished.pop(guest, None)

    def may_ask(self, rank: Rank, client: str, path: str) -> bool:
        """Whether a connection of this rank gets an answer to a request for this path."""
        return rank is Rank.FULL or path in _WATCHED or self._is_operator(client)

    def begin(self, client: str) -> bool:
        """Count a request of a client behind a trusted proxy. Returns False if it has too many under way."""
        owner = name_household(client)
        under_way = self._requests.get(owner, 0)
        if under_way >= self._limits.most_each:
            return False
        self._requests[owner] = under_way + 1
        return True

    def end(self, client: str) -> None:
        """Stop counting a request that `begin` counted: it is answered."""
        owner = name_household(client)
        self._requests[owner] -= 1
        if not self._requests[owner]:
            del self._requests[owner]

    def _is_operator(self, client: str) -> bool:
        address = parse_address(client)
        return address is not None and is_within(address, self._limits.operators)

    def _take_reserve(self, guest: Guest) -> Rank | None:
        if len(self._reserve) >= self._limits.reserve and not self._push_out(self._reserve):
            return None
        self._reserve.add(guest)
        return Rank.RESERVE

    def _push_out_anyone(self) -> bool:
        """Push out a connection.

        First the oldest unfinished request of a stranger, then an idle stranger, then an idle known client. Among idle
        connections, the address with most of them loses one.
        """
        if self._unfinished:
            self._push_out_oldest()
            return True
        if self._all_busy:
            return False
        if not self._only_known:
            if self._push_out_of_crowd(Worth.IDLE):
                return True
            self._only_known = True
        self._all_busy = not self._push_out_of_crowd(Worth.KNOWN)
        return not self._all_busy

    def _push_out_oldest(self) -> None:
        victim = next(iter(self._unfinished))
        self.leave(victim)
        victim.push_out()

    def _push_out_of_crowd(self, worth: Worth) -> bool:
        largest: set[Guest] = max(self._full.values(), key=len)
        if self._push_out(largest, worth):
            return True
        crowds = sorted(self._full.values(), key=len, reverse=True)
        return any(self._push_out(crowd, worth) for crowd in crowds)

    def look_again(self) -> None:
        """Search idle connections again. Without this bound, each connection of a flood would cause a search."""
        self._all_busy = self._only_known = False

    def _push_out(self, guests: Iterable[Guest], most: Worth = Worth.KNOWN) -> bool:
        idle = [(since, guest) for guest in guests if (since := guest.idle_since) is not None and since[0] <= most]
        if not idle:
            return False
        _, victim = min(idle, key=lambda one: one[0])
        self.leave(victim)
        victim.push_out()
        return True


def raise_file_limit() -> int:
    """Raise the soft limit of open files as far as allowed. Returns the most files that this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _WANTED_FILES if soft == resource.RLIM_INFINITY else soft


def most_connections(files: int, wanted: int) -> int:
    """The connections that fit into a number of files, with room for all other files.

    Args:
        wanted: connections that a setting asks for; 0: as many as fit.
    """
    fitting = max(1, files - max(_LEAST_ROOM, files // 4))
    return min(fitting, wanted or _MOST_CONNECTIONS)
