"""A mail server on a real socket, in the test's own event loop, and the messages that it took."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

TAKEN = "250 2.0.0 Ok: queued as 1"


@dataclass
class MailServer:
    """Takes messages, or answers what the test says.

    Attributes:
        refused: the answer to each recipient, by address; others are taken.
        taken: the recipient and the message of each that was taken.
        begun: how many messages came, taken or not.
        gate: while it is not set, the server is silent after a message.
    """

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    begun: int = 0
    logins: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def to(self, address: str) -> list[EmailMessage]:
        """The messages that an address got."""
        return [message for recipient, message in self.taken if recipient == address]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Take or refuse a recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a message."""
        self.begun += 1
        await self.gate.wait()
        message = email.message_from_bytes(envelope.content, policy=POLICY)
        assert isinstance(message, EmailMessage)
        self.taken += [(address, message) for address in envelope.rcpt_tos]
        return TAKEN

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Know one user."""
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        # Not handled: the server itself writes the answer to a wrong password.
        return AuthResult(success=(data.login, data.password) == (b"bus", b"rahasia"), handled=False)


@asynccontextmanager
async def a_mail_server(
    starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """A mail server. With a TLS context it asks for a login over TLS, and takes nothing without."""
    taker = MailServer()
    taker.gate.set()
    secure: dict[str, Any] = {"tls_context": starttls, "require_starttls": True} if starttls else {}
    if starttls or tls:
        secure |= {"authenticator": taker.authenticate, "auth_required": True, "auth_require_tls": tls is None}

    def serve() -> SMTP:
        return SMTP(taker, hostname="mail.example", enable_SMTPUTF8=False, **secure)

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=tls)
    taker.port = server.sockets[0].getsockname()[1]
    try:
        yield taker
    finally:
        server.close()
