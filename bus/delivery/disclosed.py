"""The disclosures of a run: on disk before the run is sent, and corrected if something certainly was not sent."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from bus.contracts import Catalogue
from bus.delivery.run import Item
from bus.disclosures import Channel, Disclosure, Noted, make_disclosures

Announce = Callable[[Sequence[Disclosure]], Awaitable[Sequence[Noted]]]
"""Writes disclosures. They are on disk when it returns."""


class RunDisclosures:
    """The disclosures of one run. Belongs to one event loop.

    Promise: a sink cannot change what is in the log. An announced disclosure stays, unless the bus knows that it sent no byte.
    """

    def __init__(self, announce: Announce, catalogue: Catalogue, channel: Channel, set_by: str | None = None) -> None:
        """`set_by` is the participant that set the sink; None: the subscriber itself."""
        self._announce = announce
        self._set_by = set_by
        self._catalogue = catalogue
        self._channel = channel
        self._announced: set[int] = set()
        self._sent: set[int] = set()
        self._noted: list[Noted] = []

    async def announce(self, items: Iterable[Item]) -> None:
        """Write the disclosures of these items that are not written yet. Data about nobody need none.

        Raises:
            Refused: the database does not accept them; nothing may be sent.
        """
        new = [item for item in items if item.body is not None and item.leased.position not in self._announced]
        if not new:
            return
        shown = [(item.entry, item.view) for item in new if item.view is not None]
        if found := make_disclosures(shown, self._catalogue, self._channel):
            self._noted += await self._announce([replace(one, set_by=self._set_by) for one in found])
        self._announced.update(item.leased.position for item in new)

    def note_sent(self, items: Iterable[Item]) -> None:
        """Note that from now on the sink may have read these items."""
        self._sent.update(item.leased.position for item in items)

    def note_stayed(self, item: Item) -> None:
        """Note that no byte of this item was sent."""
        self._sent.discard(item.leased.position)

    def find_unsent(self) -> list[Noted]:
        """Announced disclosures whose items were not sent. They must be announced again before the items are sent."""
        self._announced &= self._sent
        left = [noted._replace(positions=noted.positions - self._sent) for noted in self._noted]
        return [noted for noted in left if noted.positions]
