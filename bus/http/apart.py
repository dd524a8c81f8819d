"""Events that are read and checked apart from the event loop, since they are large, or much is asked of their data."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus import json
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal
from bus.journal import Submission
from bus.journal.apart import checked_apart
from bus.journal.checking import EventMalformed, read_event, read_heads
from bus.journal.gate import Agreed
from bus.problem import FieldError

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

    async def heads(self, bodies: Sequence[bytes], principal: Principal) -> list[Any]:
        """The attributes of the events of a batch; what is raised see `read_heads`."""
        given = await self._rooms.heavy.run(read_heads, b"\n".join(bodies), who=principal.participant)
        return [json.loads(head) for head in given.split(b"\n")]

    async def admitted(self, event: Any, body: bytes, principal: Principal) -> Submission:
        """The submission that an event becomes that was read apart; what is raised see `Gate.admit`."""
        return await self.checked(self.agreed(event, body, principal), principal)

    def agreed(self, event: Any, body: bytes, principal: Principal) -> Agreed:
        """An event that was read apart, before its data are checked; what is raised see `Gate.admit`."""
        if type(event) is not dict:
            raise EventMalformed("An event is a JSON object.", errors=[FieldError("", "must be an object")])
        has_data = event.get("data") is not None
        return self._rooms.gate.agreed(event, principal, body, has_data=has_data)

    async def checked(self, agreed: Agreed, principal: Principal) -> Submission:
        """The submission that an event becomes whose data are checked apart; what is raised see `Gate.admit`."""
        return await checked_apart(self._rooms.gate, self._rooms.heavy, agreed, principal)
