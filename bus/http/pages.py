"""Pages of feeds and records: the short way of what consumers read by the thousand events.

Beside a page of a thousand events the framework's handling of the request took as long as the reading. Only what is plainly
a page goes this way. All else (refusals, waiting, streams, wrong parameters) is left to the routes in `feeds` and `records`,
which answer a page just the same.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bus.contracts import Kind
from bus.disclosures import Channel
from bus.heavy import Steps
from bus.http.cursors import Listing, read_place, read_position, write_place, write_position
from bus.http.publish import Scope, Send
from bus.http.pull import Page, Reading, listed
from bus.http.rooms import Rooms
from bus.identity import Principal
from bus.identity import Scope as OAuthScope
from bus.limits import Limit
from bus.problem import Refused
from bus.telemetry import REQUESTS


class _List(NamedTuple):
    channel: Channel
    name: bytes
    route: str
    kinds: frozenset[Kind]
    read: Callable[[Reading, str, int], Steps[tuple[Page, str]]]


class _Request(NamedTuple):
    list: _List
    contract: str
    after: str
    limit: int
    caller: Principal


def _feed(reading: Reading, after: str, limit: int) -> Steps[tuple[Page, str]]:
    """A page of a feed, and the cursor behind it."""
    page = yield from reading.feed(read_position(after, Listing.FEED, reading.contract), limit)
    return page, write_position(Listing.FEED, reading.contract, page.position)


def _records(reading: Reading, after: str, limit: int) -> Steps[tuple[Page, str]]:
    """A page of records, and the cursor behind it."""
    place = read_place(after, reading.contract)
    page = yield from reading.records(place, limit)
    return page, write_place(reading.contract, place.after(page.position, is_last=page.is_last))


_LISTS: Final = {
    "/v1/feeds/": _List(
        Channel.FEED,
        b"events",
        "/v1/feeds/{contract}",
        frozenset((Kind.EVENT, Kind.RECORD)),
        _feed,
    ),
    "/v1/records/": _List(
        Channel.RECORDS,
        b"records",
        "/v1/records/{contract}",
        frozenset((Kind.RECORD,)),
        _records,
    ),
}
_PARAMETERS: Final = re.compile(
    rb"(?:(?:after=(?P<after>[\w-]*)|limit=(?P<limit>[1-9]\d{0,3})|wait=[1-9]?\d)(?:&|$))*", re.ASCII
)
_JSON: Final = frozenset((b"*/*", b"application/json"))
_USUAL: Final = 100
_MOST: Final = 1000


class Pages:
    """Answers what is plainly a page, bound to the rooms that it calls."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def answer(self, scope: Scope, send: Send) -> bool:
        """Answer a GET request; False, and nothing sent, when it is none for a page, or there is more to be said about it."""
        wanted = self._wanted(scope)
        if wanted is None:
            return False
        allowance = self._rooms.limits.of(wanted.caller.participant)
        if allowance.buckets[Limit.READ].left(self._rooms.limits.now()) < 1:
            # The route tells it.
            return False
        reading = Reading(self._rooms, wanted.contract, wanted.caller, wanted.list.channel)
        try:
            parts = await reading.read(_page(reading, wanted))
        except Refused:
            return False
        if parts is None:
            return False
        bucket = allowance.buckets[Limit.READ]
        bucket.charge(1)
        REQUESTS.labels("GET", wanted.list.route, "200").inc()
        headers = (
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % sum([len(part) for part in parts])),
            (b"content-type", b"application/json"),
            *bucket.fields(),
        )
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
        return True

    def _wanted(self, scope: Scope) -> _Request | None:
        prefix, slash, contract = scope["path"].rpartition("/")
        which = _LISTS.get(prefix + slash)
        parameters = _PARAMETERS.fullmatch(scope["query_string"])
        if which is None or not contract or parameters is None:
            return None
        limit = int(parameters["limit"] or _USUAL)
        caller = self._caller(scope)
        if caller is None or limit > _MOST:
            return None
        return _Request(which, contract, (parameters["after"] or b"").decode(), limit, caller)

    def _caller(self, scope: Scope) -> Principal | None:
        """Who asks, if that was verified before, may read events, and would have them as JSON."""
        authorization = b""
        for name, value in scope["headers"]:
            if name == b"accept" and value not in _JSON:
                return None
            if name == b"authorization" and not authorization:
                authorization = value
        caller = self._rooms.tokens.known(authorization)
        return caller if caller and OAuthScope.EVENTS_READ in caller.scopes else None


def _page(reading: Reading, wanted: _Request) -> Steps[Sequence[bytes] | None]:
    """The answer's body; None where the list is another or where the caller may want to wait for events."""
    which = wanted.list
    if reading.version.contract.kind not in which.kinds:
        return None
    page, following = yield from which.read(reading, wanted.after, wanted.limit)
    return listed(which.name, page, following) if page.positions else None
