"""The operator's webhook: posts letters as signed CloudEvents, as the bus's other webhooks are."""

from ipaddress import ip_network
from typing import Final

from bus import clock, json
from bus.delivery import Names, Signer, WebhookSink
from bus.kit import Event
from bus.notices.letter import Letter
from bus.notices.recipients import Recipient
from bus.notices.sender import NotSent

TYPE: Final = "bus.notice"
_SECONDS: Final = 15.0
_EVERYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""The operator's own settings name the address, so it may be private or plain http. No participant can change it."""


class WebhookSender:
    """Sends letters to one address. Made and used on the event loop."""

    def __init__(self, url: str, secret: str, names: Names) -> None:
        """Open the pool.

        Args:
            secret: `whsec_…`, which signs as Standard Webhooks says.
            names: the process's look-ups of host names.
        """
        self._url = url
        self._signer = Signer([secret])
        self._sink = WebhookSink(_EVERYWHERE, _SECONDS, places=1, names=names)

    async def send(self, letter: Letter, recipient: Recipient) -> str:
        """Post a letter; the status of the answer. Each attempt has the same `webhook-id`.

        Raises:
            NotSent: there was no answer, or none of 2xx.
        """
        now = clock.now()
        event = Event(
            id=letter.id,
            source="urn:bus:lamongan",
            type=TYPE,
            data={"subject": letter.subject, "text": letter.text, **letter.members},
            time=clock.rfc3339(now),
            datacontenttype="application/json",
        )
        body = json.dumps(event.to_document())
        outcome = await self._sink.send(self._url, body, self._signer.headers(letter.id, body, now))
        if outcome.failure is not None:
            raise NotSent(outcome.detail or outcome.failure.value)
        return f"status {outcome.status}" if outcome.status else "taken"

    async def close(self) -> None:
        """Let go of connections."""
        await self._sink.close()
