"""Limits: how much each participant may do, so that no participant blocks the others.

A limit acts before the bus accepts anything. The room holds rates and buckets, the policy with its defaults, and participants'
own limits. It also lets the processes of a fleet share one rate. It knows nothing of HTTP.
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
