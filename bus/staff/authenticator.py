"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each of which counts once."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

ISSUER: Final = "Bus data Lamongan"
_STEP_SECONDS: Final = 30
_DRIFT: Final = 1
"""Steps by which a phone's clock may be ahead or behind (RFC 6238, section 5.2)."""


def new_totp_secret() -> str:
    """A new secret of 160 bits in base32, as authenticator apps take it."""
    return pyotp.random_base32()


def write_address(secret: str, account: str) -> str:
    """The `otpauth://` address that a QR code brings to the app."""
    return pyotp.TOTP(secret, name=account, issuer=ISSUER).provisioning_uri()


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step of a right code; None: the code is wrong.

    `Accounts.use_step` sees to it that a step counts once, as RFC 6238, section 5.2, asks.
    """
    shown = "".join(code.split())
    if not (shown.isascii() and shown.isdecimal()):
        return None
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_SECONDS
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step), shown):
            return step
    return None
