"""A member of staff in tests."""

import time
from typing import Final

import pyotp
from argon2 import PasswordHasher

from bus.staff.passwords import Passwords

PASSWORD: Final = "sawah ladang embung"
"""The password of every member in tests."""
LIGHT: Final = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Hashes at once. What a hash costs, one test measures by its parameters."""


def next_code(secret: str) -> str:
    """A code that the bus takes and that was not used: the next step's, by which a phone's clock may be ahead."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30)
