"""Webhooks from the bus, signed as Standard Webhooks says."""

import hmac
import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from bus_lamongan_client.errors import SignatureInvalid

_SECONDS: Final = re.compile("[0-9]{1,12}")
_OLDEST: Final = 300
"""Seconds between the signature's time and now that are accepted, in both directions."""


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The event in a webhook's request, if the bus signed it.

    An event can come twice. Keep its `webhook-id`, and skip an id that you have.

    Args:
        secret: of the subscription, `whsec_…`.
        headers: of the request. Names may be in any case.
        body: of the request, byte for byte.

    Raises:
        SignatureInvalid: the signature is missing, wrong, or older than five minutes.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    message, sent_at = fields.get("webhook-id", ""), fields.get("webhook-timestamp", "")
    if not message or not _SECONDS.fullmatch(sent_at):
        raise SignatureInvalid("The request lacks webhook-id or webhook-timestamp.")
    if abs(time.time() - int(sent_at)) > _OLDEST:
        raise SignatureInvalid("The signature is too old. Check the clock of this machine.")
    signature = hmac.digest(_decode(secret), f"{message}.{sent_at}.".encode() + body, "sha256")
    expected = b"v1," + b64encode(signature)
    # Two secrets sign while one of them is being replaced.
    given = fields.get("webhook-signature", "").encode(errors="replace").split(b" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise SignatureInvalid("The signature does not fit the secret and the body.")
    event: dict[str, Any] = json.loads(body)
    return event


def _decode(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:
        # Everybody can sign with an empty key.
        raise SignatureInvalid("The secret is not whsec_ with base64.")
    return key
