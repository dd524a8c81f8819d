"""Limits: what each participant may do, so that nobody stops the others. They act before anything is accepted.

A room without knowledge of HTTP: rates and buckets, the policy with its defaults, participants' own values, and how the
processes of a fleet share what was spent.
"""

from bus.limits.errors import AtOnce, Crowded, Full, Limited, LimitsRefused
from bus.limits.limits import Allowance, Limits
from bus.limits.policy import Limit, Policy, RateText
from bus.limits.rate import Bucket, Fields, Rate
from bus.limits.ration import Ration
from bus.limits.register import TOPIC, LimitRegister
from bus.limits.share import Share
from bus.limits.sharing import Sharing
from bus.limits.turns import Turns

__all__ = [
    "TOPIC",
    "Allowance",
    "AtOnce",
    "Bucket",
    "Crowded",
    "Fields",
    "Full",
    "Limit",
    "LimitRegister",
    "Limited",
    "Limits",
    "LimitsRefused",
    "Policy",
    "Rate",
    "RateText",
    "Ration",
    "Share",
    "Sharing",
    "Turns",
]
