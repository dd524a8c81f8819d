"""The tables of what recipients of notices were told."""

import sqlalchemy as sa

from bus.storage import metadata

RECIPIENTS = sa.Table(
    "notice_recipients",
    metadata,
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("sent_at", sa.BigInteger),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("failure", sa.Text),
)
"""`recipient` is `mail:` and an address, or `webhook`. No message goes to it before `next_at`. `name` is what logs and the doctor
call it, since no log has an address.
"""

TOLD = sa.Table(
    "notices_told",
    metadata,
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("notice", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("participant", sa.Text),
    sa.Column("told_at", sa.BigInteger, nullable=False),
)
"""The notices that stand as the recipient knows them. A row goes when the recipient was told that the notice ended."""
