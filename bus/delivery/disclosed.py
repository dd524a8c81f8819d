"""What a run of deliveries discloses: on disk before it is sent, and corrected by what certainly did not leave."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from bus.contracts import Catalogue
from bus.delivery.run import Item
from bus.disclosures import Channel, Disclosure, Noted, make_disclosures

Announce = Callable[[Sequence[Disclosure]], Awaitable[Sequence[Noted]]]
"""Writes disclosures; they are on disk when it returns."""


class Disclosed:
    """The disclosures of one run. Belongs to one event loop.

    Promise: nothing that the sink does decides what is in the log. What was announced stays there, unless the bus knows that
    no byte of it left.
    """

    def __init__(self, announce: Announce, catalogue: Catalogue, channel: Channel, set_by: str | None = None) -> None:
        """`set_by` is who set the sink, if not the participant itself."""
        self._announce = announce
        self._set_by = set_by
        self._catalogue = catalogue
        self._channel = channel
        self._announced: set[int] = set()
        self._sent: set[int] = set()
        self._noted: list[Noted] = []

    async def announce(self, items: Iterable[Item]) -> None:
        """Write what these items disclose, where that is not written yet. Data about nobody cost nothing.

        Raises:
            Refused: the database does not take it; nothing may be sent.
        """
        new = [item for item in items if item.body is not None and item.leased.position not in self._announced]
        if not new:
            return
        shown = [(item.entry, item.view) for item in new if item.view is not None]
        if found := make_disclosures(shown, self._catalogue, self._channel):
            self._noted += await self._announce([replace(one, set_by=self._set_by) for one in found])
        self._announced.update(item.leased.position for item in new)

    def sending(self, items: Iterable[Item]) -> None:
        """From now on these items may have been read by the sink."""
        self._sent.update(item.leased.position for item in items)

    def stayed(self, item: Item) -> None:
        """No byte of this item left."""
        self._sent.discard(item.leased.position)

    def unsent(self) -> list[Noted]:
        """What was announced and did not leave; it has to be announced anew before it is sent after all."""
        self._announced &= self._sent
        left = [noted._replace(positions=noted.positions - self._sent) for noted in self._noted]
        return [noted for noted in left if noted.positions]
