"""The short way: finds requests that only publish, and whose sender is known without waiting."""

from typing import Final

from bus.http.front_door.origins import ORIGIN
from bus.http.front_door.publication import Line, Publication
from bus.http.front_door.request import END, Request
from bus.http.heads import Head, Heads
from bus.http.publish import PATH, Publisher

_TARGET: Final = PATH.encode()


class ShortWay:
    """Makes publications of requests."""

    def __init__(self, publisher: Publisher | None, *, has_pages: bool = False) -> None:
        """Create it.

        Args:
            publisher: None: the process takes no events.
            has_pages: whether pages of other origins publish. Their answers have more header fields than this way writes.
        """
        self._publisher = publisher
        self._has_pages = has_pages
        self._heads = Heads()

    def find_at_once(self, line: Line, data: bytes) -> tuple[Publication, bytes] | None:
        """The publication of a complete request, and its body; None: its head was not read before."""
        known = self._heads.read(data)
        publication = None if known is None else self._make(line, known[0])
        return None if known is None or publication is None else (publication, known[1])

    def find(self, line: Line, request: Request, text: bytes | None) -> Publication | None:
        """The publication of a request; None: it does not publish, or its sender is not known.

        Args:
            text: the request's head, to remember it; None: do not remember it.
        """
        is_plain = request.method == "POST" and request.target == _TARGET and request.length is not None
        if not is_plain or not request.keep_alive or request.expects:
            return None
        fields = dict(request.fields)
        if self._has_pages and ORIGIN in fields:
            return None
        head = Head.of(fields)
        publication = self._make(line, head)
        if publication is not None and text is not None:
            self._heads.keep(text[: -len(END)], head)
        return publication

    def _make(self, line: Line, head: Head) -> Publication | None:
        if self._publisher is None:
            return None
        principal = self._publisher.admit_sender(head)
        return None if principal is None else Publication(line, self._publisher, principal, head)
