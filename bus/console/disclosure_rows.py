"""Rows of the disclosure log for auditors: as a table of a page, and as rows of a file."""

from dataclasses import dataclass
from typing import Final

from bus.console.channels import tell_channel
from bus.console.received import tell_fields
from bus.console.words import Words
from bus.contracts import Catalogue
from bus.disclosures import Found
from bus.reports import Column

_WEIGHTS: Final = (3, 2, 3, 3, 3, 4, 3, 4, 1, 2, 2)


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """A row of the log in people's words.

    Attributes:
        received: the participant and, if a client asked, the client.
        times: how often it happened on that day.
        events: how many events it held; 0 for an answer to a question.
        unsent: how many further events were announced and did not leave.
    """

    first: str
    last: str
    participant: str
    client: str
    channel: str
    contract: str
    purpose: str
    legal_basis: str
    fields: str
    times: int
    events: int
    unsent: int

    @property
    def cells(self) -> list[str]:
        """The cells of a file's row."""
        return [
            self.first if self.times == 1 else f"{self.first} - {self.last}",
            self.participant,
            self.client,
            self.channel,
            self.contract,
            self.purpose,
            self.legal_basis,
            self.fields,
            str(self.times),
            str(self.events),
            str(self.unsent),
        ]


def make_row(found: Found, catalogue: Catalogue, words: Words) -> DisclosureRow:
    """A row of the log in people's words."""
    told, say = found.disclosure, words.say
    name = catalogue.name_of(told.contract_id)
    return DisclosureRow(
        first=words.tell_moment(found.at),
        last=words.tell_moment(found.last_at),
        participant=told.participant,
        client=told.client_id or "–",
        channel=tell_channel(told.channel, words),
        contract=f"{name} {told.version}" if name else "–",
        purpose=told.purpose,
        legal_basis=told.legal_basis or "–",
        fields=tell_fields(told.fields, say("semua isi")) or "–",
        times=found.times,
        events=found.events,
        unsent=found.unsent,
    )


def list_columns(words: Words) -> list[Column]:
    """The columns of a file."""
    say = words.say
    names = (
        say("Waktu"),
        say("Penerima"),
        say("Klien"),
        say("Cara"),
        say("Kontrak data"),
        say("Tujuan atau alasan"),
        say("Dasar hukum"),
        say("Data"),
        say("Kali"),
        say("Peristiwa"),
        say("Tidak terkirim"),
    )
    return [Column(name, weight) for name, weight in zip(names, _WEIGHTS, strict=True)]
