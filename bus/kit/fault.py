"""What an adapter raises: a fault while it delivers or polls, a refusal while it answers a query."""

from bus.kit.failure import Failure, Outcome
from bus.problem import Refused


class AgencyFault(Exception):
    """An agency answered badly; `failure` says what kind of bad. Adapters raise it from poll (and inside, from clients)."""

    def __init__(
        self, failure: Failure, detail: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after
        self.status = status

    def to_outcome(self) -> Outcome:
        """The same as the outcome of a delivery."""
        return Outcome(self.failure, self.detail, self.retry_after, self.status)


class AgencyUnavailable(Refused):
    """The agency's system did not answer; try again later."""

    status = 503
    slug = "agency-unavailable"


class AgencyRefused(Refused):
    """The agency refuses the bus's account; the operator has to mend it."""

    status = 502
    slug = "agency-refused"


class QuotaExhausted(Refused):
    """The agency's daily quota is used up; try again tomorrow."""

    status = 429
    slug = "agency-quota-exhausted"
