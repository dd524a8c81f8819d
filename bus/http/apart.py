"""Events that are read and checked apart from the event loop, since they are large, or much is asked of their data."""

from collections.abc import Mapping
from typing import Any, Final

from bus import json
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal
from bus.journal import Submission
from bus.journal.apart import checked_apart
from bus.journal.checking import read_event
from bus.journal.gate import Agreed

LARGE: Final = 32 * 1024
"""Bytes of an event that the event loop reads itself: a hostile one of this size takes some 5 ms."""

_NOTHING: Final[Mapping[str, Any]] = {}


class Apart:
    """Reads and checks events in worker processes, on the share of their sender."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def read(
        self, text: bytes, principal: Principal, told: Mapping[str, Any] = _NOTHING, *, is_data: bool = False
    ) -> tuple[Any, bytes]:
        """The attributes of an event, and the whole of it as JSON.

        Args:
            told: attributes that the request's fields tell.
            is_data: the text is the data alone.

        Raises:
            EventMalformed: it is no JSON object, is nested too deep, or has a member twice.
        """
        levels, form = b"%d" % self._rooms.settings.max_depth, b"data" if is_data else b"event"
        who = principal.participant
        given = await self._rooms.heavy.run(read_event, text, levels, json.dumps(told), form, who=who)
        attributes, _, body = given.partition(b"\n")
        return json.loads(attributes), body

    async def admitted(self, event: Any, body: bytes, principal: Principal, *, brief: bool = False) -> Submission:
        """The submission that an event becomes that was read apart; what is raised see `Gate.admit`."""
        has_data = event.get("data") is not None
        agreed = self._rooms.gate.agreed(event, principal, body, has_data=has_data)
        return await self.checked(agreed, principal, brief=brief)

    async def checked(self, agreed: Agreed, principal: Principal, *, brief: bool = False) -> Submission:
        """The submission that an event becomes whose data are checked apart; what is raised see `Gate.admit`."""
        return await checked_apart(self._rooms.gate, self._rooms.heavy, agreed, principal, brief=brief)
