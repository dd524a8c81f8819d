"""A bus in one process whose notifier sends to a real mail server."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from bus.notices import FactReader, Notifier, Sender, Way, make_senders
from bus.settings import Settings
from bus.status import StatusReader
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.a_mail_server import MailServer
from tests.an_actor import OPERATOR

TO = "bus@lamongan.example"


def a_contact(participant: str) -> str:
    """The mail address of a participant's office."""
    return f"tik@{participant}.example"


@dataclass
class Mailroom:
    """Tells people of a bus; the test says when."""

    bus: Bus
    server: MailServer
    senders: Mapping[Way, Sender] | None = None
    backup_hours: int = 0

    @property
    def settings(self) -> Settings:
        """Those of the bus, with the mail server."""
        return self.bus.rooms.settings.model_copy(
            update={
                "smtp_host": "127.0.0.1",
                "smtp_port": self.server.port,
                "smtp_security": "none",
                "notice_from": "kabar@lamongan.example",
                "notice_to": (TO,),
                "backup_hours": self.backup_hours,
            }
        )

    def make_notifier(self) -> Notifier:
        """A notifier as a process that has just started has one."""
        rooms, settings = self.bus.rooms, self.settings
        status = StatusReader(rooms.storage, rooms.subscriptions, rooms.catalogue, settings.data_dir)
        facts = FactReader(rooms.storage, status, rooms.catalogue, self.backup_hours)
        senders = self.senders or make_senders(settings, rooms.names)
        return Notifier(settings, rooms.storage, facts, senders, make_leadership(rooms.storage, "notices"))

    async def tell(self, now: datetime) -> None:
        """Tell what is due at a moment."""
        await self.make_notifier().tell(now)

    def give_contact(self, participant: str, contact: str | None = None) -> None:
        """Make a participant with a contact known."""
        self.bus.token(participant)
        self.bus.rooms.participants.set_contact(participant, contact or a_contact(participant), OPERATOR)

    def last(self, address: str = TO) -> str:
        """The text of the last message to an address."""
        return read(self.server.to(address)[-1])


def read(message: EmailMessage) -> str:
    """The text of a message."""
    text: str = message.get_content()
    return text.replace("\r\n", "\n")
