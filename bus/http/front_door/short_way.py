"""The short way: tells which requests plainly publish, and have a sender who is known without waiting."""

from bus.http.front_door.publication import PATH, Line, Publication
from bus.http.front_door.request import END, Request
from bus.http.heads import Head, Heads
from bus.http.publish import Publisher


class ShortWay:
    """Makes publications of requests."""

    def __init__(self, publisher: Publisher | None) -> None:
        """Make it for a publisher; None in a process that takes no events."""
        self._publisher = publisher
        self._heads = Heads()

    def find_at_once(self, line: Line, data: bytes) -> tuple[Publication, bytes] | None:
        """The publication that a whole request is, and its body; None unless a head like it was read before."""
        known = self._heads.read(data)
        publication = None if known is None else self._make(line, known[0])
        return None if known is None or publication is None else (publication, known[1])

    def find(self, line: Line, request: Request, text: bytes | None) -> Publication | None:
        """The publication that a request is, if it is one and its sender is known.

        Args:
            text: the request's head, to be remembered; None: it is not to be.
        """
        is_plain = request.method == "POST" and request.target == PATH and request.length is not None
        if not is_plain or not request.keep_alive or request.expects:
            return None
        head = Head.of(dict(request.fields))
        publication = self._make(line, head)
        if publication is not None and text is not None:
            self._heads.keep(text[: -len(END)], head)
        return publication

    def _make(self, line: Line, head: Head) -> Publication | None:
        if self._publisher is None:
            return None
        principal = self._publisher.find_sender(head)
        return None if principal is None else Publication(line, self._publisher, principal, head)
