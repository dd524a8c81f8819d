"""Recipients: who gets which notices, by which way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bus.notices.notice import Notice

OPERATOR: Final = "operator"


class Way(StrEnum):
    """How a message reaches a recipient."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address, and what it may be told.

    Attributes:
        address: a mail address; empty for the operator's webhook, which the settings name.
        is_operator: whether it gets every notice.
        participants: whose notices it gets, if it does not get all.
    """

    way: Way
    address: str = ""
    is_operator: bool = False
    participants: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Names the recipient in the database."""
        return f"{self.way.value}:{self.address.casefold()}" if self.address else self.way.value

    @property
    def name(self) -> str:
        """What logs and the doctor call it: never by its address."""
        return f"{self.way.value} {', '.join(sorted(self.participants)) if not self.is_operator else OPERATOR}"

    def may_know(self, participant: str | None) -> bool:
        """Whether it may be told what concerns a participant (None: the operator alone)."""
        return self.is_operator or participant in self.participants

    def choose(self, notices: Iterable[Notice]) -> list[Notice]:
        """The notices that it may be told: all for the operator, and their own alone for participants."""
        return [one for one in notices if self.may_know(one.participant)]


def list_recipients(operators: Sequence[str], contacts: Mapping[str, str], *, has_webhook: bool) -> list[Recipient]:
    """Everybody who gets notices. One address is one recipient, however many participants have it as their contact.

    Args:
        operators: the operator's mail addresses.
        contacts: the mail addresses of participants, by the participant's name.
    """
    own: dict[str, set[str]] = {}
    for participant, address in contacts.items():
        own.setdefault(address.casefold(), set()).add(participant)
    everything = {address.casefold() for address in operators}
    # Of two spellings of one address, a message goes to the operator's.
    spelt = {address.casefold(): address for address in (*contacts.values(), *operators)}
    mails = [
        Recipient(Way.MAIL, address, folded in everything, frozenset(own.get(folded, ())))
        for folded, address in sorted(spelt.items())
    ]
    return [*([Recipient(Way.WEBHOOK, is_operator=True)] if has_webhook else []), *mails]
