"""Recipients: what many disclosures have in common, in a table of its own, so that a row of the log is small."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa

from bus import json
from bus.disclosures import statements
from bus.disclosures.disclosure import Disclosure, Wanted
from bus.disclosures.tables import RECIPIENTS
from bus.storage import Transaction

DIGEST_BYTES: Final = 16
_MOST_KNOWN: Final = 20_000
"""Recipients whose numbers are remembered. They take about 3 MB."""


class Recipients:
    """The numbers of recipients, by their digests.

    A recipient is who got data, how and why: participant, client, channel, contract, version, grant and purpose. So a disclosure
    holds one number instead. The numbers of recipients that are on disk are remembered.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}

    def number(self, transaction: Transaction, disclosures: Mapping[bytes, Disclosure]) -> dict[bytes, int]:
        """The number of each recipient, by its digest. New recipients are added.

        Give the numbers to `remember` after the commit.
        """
        numbers: dict[bytes, int] = {}
        # In the order of digests, so that two transactions never wait for each other's rows.
        for digest in sorted(disclosures):
            known = self._known.get(digest)
            numbers[digest] = _add(transaction, digest, disclosures[digest]) if known is None else known
        return numbers

    def remember(self, numbers: Mapping[bytes, int]) -> None:
        """Remember the numbers of recipients that are on disk."""
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        self._known.update(numbers)


def make_recipient_digest(disclosure: Disclosure) -> bytes:
    """A digest of a disclosure's recipient: equal recipients have equal digests."""
    return blake2b(json.dumps(list(_describe(disclosure).values())), digest_size=DIGEST_BYTES).digest()


def select_recipients(transaction: Transaction, wanted: Wanted) -> list[int]:
    """The numbers of the recipients that a search asks for."""
    column = RECIPIENTS.c
    asked: Iterable[tuple[sa.Column[Any], Any]] = (
        (column.participant, wanted.participant),
        (column.client_id, wanted.client_id),
        (column.contract_id, wanted.contract_id),
        (column.purpose, wanted.purpose),
        (column.channel, wanted.channel and wanted.channel.value),
    )
    conditions = [name == value for name, value in asked if value is not None]
    return [row[0] for row in transaction.rows(sa.select(column.id).where(*conditions))]


def _add(transaction: Transaction, digest: bytes, disclosure: Disclosure) -> int:
    transaction.execute(statements.ADD_RECIPIENT, {"digest": digest, **_describe(disclosure)})
    return int(transaction.value(statements.FIND_RECIPIENT, {"digest": digest}))


def _describe(disclosure: Disclosure) -> dict[str, Any]:
    return {
        "participant": disclosure.participant,
        "client_id": disclosure.client_id,
        "channel": disclosure.channel.value,
        "contract_id": disclosure.contract_id,
        "version": disclosure.version,
        "purpose": disclosure.purpose,
        "legal_basis": disclosure.legal_basis,
        "fields": json.dumps(list(disclosure.fields)).decode(),
        "set_by": disclosure.set_by,
    }
