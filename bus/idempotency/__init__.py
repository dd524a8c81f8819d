"""Idempotency: the answers of requests that a client may send twice (draft-ietf-httpapi-idempotency-key-header-07).

The room keeps answers, and decides who may answer a request. It knows nothing of HTTP but status and header fields.
"""

from bus.idempotency.answers import KEPT, Claim, KeptAnswer, KeptAnswers
from bus.idempotency.errors import KeyReused, RequestInFlight, TooManyKeys

__all__ = [
    "KEPT",
    "Claim",
    "KeptAnswer",
    "KeptAnswers",
    "KeyReused",
    "RequestInFlight",
    "TooManyKeys",
]
