"""Standard Webhooks signatures: prove who sent a webhook, and that nobody changed it.

The library signs. Its object is kept, so that the key is decoded only once.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook


def new_secret() -> str:
    """A new signing secret, `whsec_` and 256 random bits in base64, as Standard Webhooks writes it."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


class Signer:
    """Signs for one subscription. Kept for as long as its secrets stay the same."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """`secrets`: each `whsec_…`; several while one is being replaced, so that the receiver may know either."""
        self._webhooks = [Webhook(secret) for secret in secrets]

    def headers(self, message: str, body: bytes, now: datetime) -> dict[str, str]:
        """The three headers of Standard Webhooks.

        Args:
            message: `webhook-id`: the same for every attempt of one delivery, so that the receiver can tell a repetition.
            body: what is sent, UTF-8.
            now: of this attempt, in UTC; the receiver refuses what is older than five minutes.
        """
        text = body.decode()
        return {
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(webhook.sign(message, now, text) for webhook in self._webhooks),
        }
