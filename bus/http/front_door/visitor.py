"""The visitor: the client of a connection, its place, and whether the bus knows it."""

from bus.http.front_door.clients import Clients
from bus.http.front_door.places import Guest, Places, Rank
from bus.http.front_door.refusals import TooManyConnections
from bus.http.front_door.request import Request


class Visitor:
    """The client of one connection.

    Attributes:
        peer: the address at the other end, which may be a proxy's.
        is_proxy: whether the peer is a trusted proxy, which speaks for several clients.
        is_known: whether the visitor showed a token that was verified before, or a right secret.
    """

    __slots__ = ("_client", "_clients", "_places", "_port", "_rank", "is_known", "is_proxy", "peer")

    def __init__(self, places: Places, clients: Clients, peer: str, port: int) -> None:
        self._places = places
        self._clients = clients
        self._port = port
        self._rank: Rank | None = None
        self._client: str | None = None
        self.peer = peer
        self.is_proxy = clients.is_proxy(peer)
        self.is_known = False

    @property
    def may_ask_anything(self) -> bool:
        """Whether the place is not from the reserve."""
        return self._rank is Rank.FULL

    def take_place(self, guest: Guest) -> bool:
        """Take a place for the connection. Returns False if there is none."""
        self._rank = self._places.take(guest, is_proxy=self.is_proxy)
        return self._rank is not None

    def leave(self, guest: Guest) -> None:
        """Give back the place of the connection, and what the request holds."""
        self.release()
        self._places.leave(guest)

    def begin(self, request: Request) -> tuple[str, int]:
        """Begin a request. Returns the address and the port of its client.

        Raises:
            Refused: the request has no place, or proxies name different clients.
        """
        client = self._clients.of(self.peer, request.fields) if self.is_proxy else self.peer
        assert self._rank is not None  # noqa: S101 - a connection without a place is never made
        if not self._places.may_ask(self._rank, client, request.path):
            raise TooManyConnections("Every connection of the bus is in use.")
        if not self.is_proxy:
            return client, self._port
        if not self._places.begin(client):
            raise TooManyConnections("You have too many requests under way.")
        self._client = client
        return client, 0

    def release(self) -> None:
        """End the request, if one is under way."""
        if self._client is not None:
            self._places.end(self._client)
            self._client = None
