"""What a participant holds in the register: how many versions it registered, and how large they are."""

from dataclasses import dataclass

import sqlalchemy as sa

from bus.contracts.document import Contract
from bus.contracts.lifecycle import FREE_TO_CHANGE
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.storage import Transaction


@dataclass(frozen=True, slots=True)
class Holding:
    """The versions that one participant registered.

    Attributes:
        drafts: number of versions that are not in force yet.
        bytes: size of all documents together.
    """

    drafts: int
    versions: int
    bytes: int


def measure_holding(transaction: Transaction, participant: str, besides: Contract) -> Holding:
    """The versions of a participant, without the version that it is about to register or replace."""
    is_draft = VERSIONS.c.state.in_([state.value for state in FREE_TO_CHANGE])
    query = (
        sa.select(
            sa.func.count().filter(is_draft),
            sa.func.count(),
            # For a blob's length, neither database reads the blob.
            sa.func.coalesce(sa.func.sum(sa.func.length(VERSIONS.c.document)), 0),
        )
        .join(CONTRACTS, CONTRACTS.c.id == VERSIONS.c.contract_id)
        .where(VERSIONS.c.created_by == participant)
        .where(~((CONTRACTS.c.name == besides.name) & (VERSIONS.c.version == besides.version)))
    )
    ((drafts, versions, size),) = transaction.rows(query)
    return Holding(int(drafts), int(versions), int(size))
