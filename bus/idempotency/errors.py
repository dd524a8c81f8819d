"""What may be wrong with a request that has an `Idempotency-Key`."""

from bus.problem import Conflict, Refused


class KeyReused(Refused):
    """You sent this Idempotency-Key with another request; take a new key."""

    status = 422
    slug = "idempotency-key-reused"


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is under way; send it again in a second."""

    slug = "request-in-flight"


class TooManyKeys(Refused):
    """Your client used as many Idempotency-Keys as the bus keeps; wait, or send the request without one."""

    status = 429
    slug = "too-many-idempotency-keys"
