"""Opens what sinks answered: for the subscription's owner, and with a reason for the operator.

An answer may repeat personal data of the event. So the operator who looks leaves a disclosure, which is on disk before the
answer is opened. The action log has an entry too.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.contracts import Catalogue
from bus.delivery.answer import read_answer
from bus.delivery.subscription import Subscription
from bus.delivery.tables import ATTEMPTS
from bus.disclosures import Channel, Disclosure, DisclosureLog, check_reason
from bus.identity import Keys, Undecryptable
from bus.journal import JournalReader
from bus.storage import Storage


@dataclass(frozen=True, slots=True)
class SinkAnswer:
    """What a sink answered to an attempt that failed.

    Attributes:
        text: the beginning of the answer's body; None: there was none, or a key that is gone encrypted it.
    """

    number: int
    at: datetime
    status: int | None
    text: str | None


class Answers:
    """The answers of the sinks of one bus. Synchronous: call it from threads."""

    def __init__(
        self, storage: Storage, keys: Keys, journal: JournalReader, catalogue: Catalogue, disclosures: DisclosureLog
    ) -> None:
        self._storage = storage
        self._keys = keys
        self._journal = journal
        self._catalogue = catalogue
        self._disclosures = disclosures

    def open(self, subscription: Subscription, position: int, by: Actor, reason: str = "") -> list[SinkAnswer]:
        """What the sink answered to the failed attempts of one delivery, oldest first.

        Args:
            reason: why somebody looks who is not the subscription's owner.

        Raises:
            ReasonMissing: the reason is not one printable line.
        """
        table = ATTEMPTS.c
        its = sa.and_(table.subscription == subscription.number, table.position == position)
        with self._storage.read() as transaction:
            rows = transaction.rows(
                sa.select(table.number, table.at, table.status, table.answer).where(its).order_by(table.number)
            )
        if by.participant != subscription.participant and any(row.answer for row in rows):
            self._disclose(subscription, position, by, check_reason(reason))
        return [SinkAnswer(row.number, clock.moment(row.at), row.status, self._open(row.answer)) for row in rows]

    def _open(self, sealed: str | None) -> str | None:
        try:
            return None if sealed is None else read_answer(self._keys.decrypt(sealed))
        except Undecryptable:
            # Keys that leaked are dropped. What they encrypted here is no loss.
            return None

    def _disclose(self, subscription: Subscription, position: int, by: Actor, reason: str) -> None:
        about = Object("delivery", f"{subscription.id}.{position}")
        act = Action(Verb.DELIVERY_ANSWERS, by, about, subscription.participant, details={"reason": reason})
        with self._storage.write() as transaction:
            note(transaction, act)
        entry = self._journal.at([position]).get(position)
        if entry is None:
            return
        version = self._catalogue.version_numbered(entry.version_id)
        disclosure = Disclosure(
            participant=by.participant,
            client_id=by.client_name,
            channel=Channel.ANSWER,
            contract_id=version.contract_id,
            version=version.contract.version,
            purpose=reason,
            legal_basis="",
            fields=("",),
            positions=(position,),
        )
        self._disclosures.record([disclosure])
