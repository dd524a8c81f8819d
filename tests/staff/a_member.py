"""A member of staff in tests."""

import time
from typing import Final

import pyotp

PASSWORD: Final = "sawah ladang embung"
"""The password of every member in tests."""


def next_code(secret: str) -> str:
    """A code that the bus takes and that was not used: the next step's, by which a phone's clock may be ahead."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30)
