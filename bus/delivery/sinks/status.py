"""The status of an answer that is not HTTP as it should be.

The status decides, as it does for curl. A sink that took an event must not get it again for a fault in its answer's head.
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

_STATUS_LINE: Final = re.compile(
    rb"(?:\r?\n)*HTTP/[0-9](?:\.[0-9])?[ \t]+([1-9][0-9]{2})(?:[ \t][^\n]*)?\r?\n", re.IGNORECASE
)
"""Without bounds on the phrase, and with a line that ends in LF alone (RFC 9112, 2.2 and 4)."""
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_RETRY_AFTER: Final = re.compile(rb"\nretry-after[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Answer(NamedTuple):
    """What the bus looks at in a sink's answer.

    Attributes:
        retry_after: the header field, as it came.
    """

    status: int
    retry_after: str | None

    @property
    def is_success(self) -> bool:
        """Whether the sink took the event."""
        return 200 <= self.status < 300


def salvage(received: bytes) -> Answer | None:
    """The answer in what came on a connection, or None if nothing has a status.

    Args:
        received: from the first byte behind the request on, up to where it breaks a rule or a bound.
    """
    start = 0
    while line := _STATUS_LINE.match(received, start):
        status = int(line.group(1))
        end = _HEAD_END.search(received, line.end() - 1)
        # Informational answers (RFC 9110, 15.2) come before the one that counts.
        if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
            return Answer(status, _find_retry_after(received, line.end() - 1, end))
        if end is None:
            return None
        start = end.end()
    return None


def _find_retry_after(received: bytes, start: int, end: re.Match[bytes] | None) -> str | None:
    field = _RETRY_AFTER.search(received, start, len(received) if end is None else end.end())
    return None if field is None else field.group(1).decode("latin-1").strip()
