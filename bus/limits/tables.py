"""The tables of limits: own limits of participants, units that processes charged, and the questions of a day."""

import sqlalchemy as sa

from bus.storage import metadata

PARTICIPANT_LIMITS = sa.Table(
    "participant_limits",
    metadata,
    sa.Column("participant", sa.Text, sa.ForeignKey("participants.name"), primary_key=True),
    sa.Column("limits", sa.Text, nullable=False),
)

LIMITS_SPENT = sa.Table(
    "limits_spent",
    metadata,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("limit", sa.Text, primary_key=True),
    sa.Column("spent", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)

QUESTIONS_ASKED = sa.Table(
    "questions_asked",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("asked", sa.BigInteger, nullable=False),
)
