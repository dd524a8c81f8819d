"""The prepared statements of the disclosure log, in both dialects if they differ."""

from typing import Final

from bus.storage import Prepared

_NOTHING_LEFT: Final = "disclosures.positions IS NULL AND disclosures.unsent IS NOT NULL"
INSERT: Final = Prepared.in_both(
    f"""
INSERT INTO disclosures (at, last_at, day, digest, participant, client_id, channel, contract_id, version, purpose, legal_basis,
    fields, first_position, last_position, positions, person, set_by)
VALUES (:at, :at, :day, :digest, :participant, :client_id, :channel, :contract_id, :version, :purpose, :legal_basis,
    :fields, :first_position, :last_position, :positions, :person, :set_by)
ON CONFLICT (day, digest) DO UPDATE SET
    at = CASE WHEN {_NOTHING_LEFT} THEN excluded.at ELSE disclosures.at END,
    times = disclosures.times + CASE WHEN {_NOTHING_LEFT} THEN 0 ELSE 1 END,
    last_at = excluded.last_at, positions = excluded.positions, unsent = NULL
RETURNING id, times"""  # noqa: S608 - the text holds no value
)
"""A row whose events all did not leave counts no disclosure. The next equal disclosure starts it anew."""
ONCE: Final = Prepared(
    sqlite="SELECT positions, unsent FROM disclosures WHERE id = :id AND times = 1",
    postgres="SELECT positions, unsent FROM disclosures WHERE id = :id AND times = 1 FOR UPDATE",
)
WITHDRAW: Final = Prepared.in_both("UPDATE disclosures SET positions = :positions, unsent = :unsent WHERE id = :id")
