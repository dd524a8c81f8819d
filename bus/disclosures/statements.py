"""The prepared statements of the disclosure log, in both dialects if they differ."""

from typing import Final

from bus.storage import Insertion, Prepared

_RECIPIENT: Final = (
    "digest", "participant", "client_id", "channel", "contract_id", "version", "purpose", "legal_basis", "fields", "set_by",
)  # fmt: skip
ADD_RECIPIENT: Final = Prepared.in_both(
    f"INSERT INTO disclosure_recipients ({', '.join(_RECIPIENT)}) "  # noqa: S608 - the text holds no value
    f"VALUES ({', '.join(f':{name}' for name in _RECIPIENT)}) ON CONFLICT (digest) DO NOTHING"
)
FIND_RECIPIENT: Final = Prepared.in_both("SELECT id FROM disclosure_recipients WHERE digest = :digest")

_NOTHING_LEFT: Final = "disclosures.positions IS NULL AND disclosures.unsent IS NOT NULL"
INSERT: Final = Prepared.in_both(
    f"""
INSERT INTO disclosures (recipient_id, at, last_at, day, digest, person, positions)
VALUES (:recipient_id, :at, :at, :day, :digest, :person, :positions)
ON CONFLICT (day, digest) DO UPDATE SET
    at = CASE WHEN {_NOTHING_LEFT} THEN excluded.at ELSE disclosures.at END,
    times = disclosures.times + CASE WHEN {_NOTHING_LEFT} THEN 0 ELSE 1 END,
    last_at = excluded.last_at, positions = excluded.positions, unsent = NULL
RETURNING id, times"""  # noqa: S608 - the text holds no value
)
"""A row whose events all did not leave counts no disclosure. The next equal disclosure starts it anew."""
ADD_STRETCHES: Final = Insertion(
    sqlite="INSERT INTO disclosed_stretches (block, first_position, last_position, disclosure_id, positions) "
    "VALUES {rows} ON CONFLICT DO NOTHING",
    row="(?,?,?,?,?)",
    postgres="INSERT INTO disclosed_stretches (block, first_position, last_position, disclosure_id, positions) "
    "SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]) ON CONFLICT DO NOTHING",
    sizes=(100, 10),
)
"""A row that starts anew has its stretches already."""
ONCE: Final = Prepared(
    sqlite="SELECT positions, unsent FROM disclosures WHERE id = :id AND times = 1",
    postgres="SELECT positions, unsent FROM disclosures WHERE id = :id AND times = 1 FOR UPDATE",
)
WITHDRAW: Final = Prepared.in_both("UPDATE disclosures SET positions = :positions, unsent = :unsent WHERE id = :id")

COVERING: Final = Prepared(
    *(
        f"""
SELECT disclosure_id, positions FROM disclosed_stretches
WHERE block {among} AND first_position <= :position AND last_position >= :position AND disclosure_id < :before
AND (positions IS NULL OR {holds})"""  # noqa: S608 - the text holds no value
        for among, holds in (
            ("IN (SELECT value FROM json_each(:blocks))", "instr(positions, :packed) > 0"),
            ("= ANY(CAST(:blocks AS bigint[]))", "position(CAST(:packed AS bytea) IN positions) > 0"),
        )
    )
)
"""The stretches that hold a position, and a few that only seem to. The database looks through many; few come here."""
ANSWERS: Final = Prepared.in_both(
    "SELECT id FROM disclosures WHERE person = :person AND id < :before ORDER BY id DESC LIMIT :limit"
)
"""Answers to queries about a person."""

_WITHIN: Final = (
    "(at, id) < (:at, :id) AND at >= {from_at} AND (at >= :since OR last_at >= :since) ORDER BY at DESC, id DESC LIMIT"
)
_BOUND: Final = """SELECT coalesce(
    (SELECT at FROM each WHERE at IS NOT NULL ORDER BY at DESC LIMIT 1 OFFSET {limit} - 1), {day}) AS at"""
PAGE: Final = Prepared(
    sqlite=f"""
WITH each AS MATERIALIZED (SELECT value AS recipient_id,
    (SELECT at FROM disclosures WHERE recipient_id = value AND {_WITHIN.format(from_at=":day")} 1) AS at
    FROM json_each(:recipients)),
bound AS MATERIALIZED ({_BOUND.format(limit=":limit", day=":day")}),
newest AS MATERIALIZED (SELECT each.recipient_id FROM bound CROSS JOIN each ON each.at >= bound.at)
SELECT found.id FROM bound CROSS JOIN newest CROSS JOIN disclosures AS found ON found.id IN (
    SELECT id FROM disclosures WHERE recipient_id = newest.recipient_id AND {_WITHIN.format(from_at="bound.at")} :limit)
ORDER BY found.at DESC, found.id DESC LIMIT :limit""",  # noqa: S608 - the text holds no value
    postgres=f"""
WITH each AS MATERIALIZED (SELECT asked.recipient_id, first.at
    FROM unnest(CAST(:recipients AS int[])) AS asked (recipient_id) CROSS JOIN LATERAL (
        SELECT at FROM disclosures WHERE recipient_id = asked.recipient_id AND {_WITHIN.format(from_at=":day")} 1) AS first),
bound AS MATERIALIZED ({_BOUND.format(limit="CAST(:limit AS bigint)", day="CAST(:day AS bigint)")}),
newest AS MATERIALIZED (SELECT each.recipient_id FROM bound JOIN each ON each.at >= bound.at)
SELECT found.id FROM bound CROSS JOIN newest CROSS JOIN LATERAL (
    SELECT id, at FROM disclosures WHERE recipient_id = newest.recipient_id AND {_WITHIN.format(from_at="bound.at")} :limit
    ) AS found
ORDER BY found.at DESC, found.id DESC LIMIT :limit""",  # noqa: S608 - the text holds no value
)
"""The newest disclosures of some recipients.

A page of n rows has no disclosure that is older than the n-th newest of the recipients' newest disclosures. So each recipient
costs one look into the index, and few cost more. Recipients whose newest disclosures are of one moment all count: one transaction
writes many, and the page's order among them is that of their ids.
"""
ROWS: Final = Prepared(
    *(
        f"""
SELECT d.id, d.at, d.last_at, d.times, d.recipient_id, d.person, d.positions, d.unsent,
    r.participant, r.client_id, r.channel, r.contract_id, r.version, r.purpose, r.legal_basis, r.fields, r.set_by
FROM disclosures AS d JOIN disclosure_recipients AS r ON r.id = d.recipient_id WHERE d.id {among}"""  # noqa: S608
        for among in ("IN (SELECT value FROM json_each(:ids))", "= ANY(CAST(:ids AS bigint[]))")
    )
)
OLD: Final = Prepared.in_both(
    "SELECT id, positions, unsent FROM disclosures WHERE day < :day ORDER BY day, digest LIMIT :limit"
)
