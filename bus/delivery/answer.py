"""The beginning of what a sink answered to an attempt that failed: for who mends the sink.

It may repeat personal data of the event. So it is stored encrypted, and it is in no log. A reader who is not the subscription's
owner gives a reason, and leaves a disclosure.
"""

from base64 import b64decode, b64encode
from typing import Final

ANSWER_BYTES: Final = 512
"""Of an answer's body that are kept."""


def write_answer(answer: bytes) -> str:
    """The text that is encrypted: an answer may hold any bytes."""
    return b64encode(answer[:ANSWER_BYTES]).decode()


def read_answer(text: str) -> str:
    """The answer that `write_answer` wrote; bytes that are no UTF-8 are replaced."""
    return b64decode(text).decode(errors="replace")
