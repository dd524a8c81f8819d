"""Mail: hands a letter to the operator's mail server (SMTP), over TLS unless the settings say otherwise."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Final, Literal

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from bus import clock
from bus.notices.letter import Letter
from bus.notices.recipients import Recipient
from bus.notices.sender import NotSent
from bus.texts import escape_unseen

_SECONDS: Final = 20.0
"""One letter, all in all: a server that answers a byte at a time holds nobody up for longer."""
_LEAVE_SECONDS: Final = 2.0
_AT_ONCE: Final = 8
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_ANSWER: Final = 200


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in, as the settings say.

    Attributes:
        port: 0: the usual port of the security.
        user: empty: no login.
        sender: the mail address that letters come from.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str
    password: str = field(repr=False)
    sender: str


class MailSender:
    """Sends letters by mail, each over a connection of its own."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def send(self, letter: Letter, recipient: Recipient) -> str:
        """Hand a letter in for one mail address; the server's answer.

        Raises:
            NotSent: the server cannot be reached, has no TLS, or does not take the letter.
        """
        message = self._write(letter, recipient.address)
        client = SMTP(
            hostname=self._server.host,
            port=self._server.port or _PORTS[self._server.security],
            username=self._server.user or None,
            password=self._server.password if self._server.user else None,
            use_tls=self._server.security == "tls",
            start_tls=self._server.security == "starttls",
            timeout=_SECONDS,
        )
        async with self._places:
            try:
                async with asyncio.timeout(_SECONDS):
                    await client.connect()
                    _, answer = await client.send_message(message)
            except SMTPRecipientsRefused as error:
                raise _write_refusal(error.recipients[0].code) from None
            except SMTPResponseException as error:
                raise _write_refusal(error.code) from None
            except (SMTPException, OSError, UnicodeError) as error:
                # UnicodeError: the host's name or the password has signs that the protocol cannot carry.
                raise NotSent(f"the mail server was not reached ({type(error).__name__})") from None
            else:
                await _leave(client)
            finally:
                client.close()
        return escape_unseen(answer)[:_LONGEST_ANSWER]

    async def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _write(self, letter: Letter, address: str) -> EmailMessage:
        """The message. `email` refuses a header with a line break, and encodes what is not ASCII (RFC 2047).

        Raises:
            NotSent: the address is read otherwise than it is written.
        """
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._server.sender
        try:
            message["To"] = address
        except ValueError:
            # An address that the bus took when it refused less. Its letter holds up no other.
            raise NotSent("the mail address is none that mail programs read as it is written") from None
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{letter.id}@{self._server.sender.rpartition('@')[2]}>"
        # RFC 3834: out-of-office replies do not answer it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _write_refusal(code: int) -> NotSent:
    # The server's words may repeat the address, and this text goes into logs.
    return NotSent(f"the mail server answered {code}")


async def _leave(client: SMTP) -> None:
    """Say good-bye if the server listens. It has the letter already, whatever it answers to this."""
    with suppress(SMTPException, OSError):
        async with asyncio.timeout(_LEAVE_SECONDS):
            await client.quit()
