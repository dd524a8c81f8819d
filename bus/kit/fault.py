"""What an adapter raises: a fault when it delivers or polls, a refusal when it answers a query."""

import math

from bus.kit.failure import Failure, Outcome
from bus.problem import Refused


class AgencyFault(Exception):
    """The agency did not answer as it should; `failure` says what the bus does next.

    Attributes:
        failure: the kind of failure.
        detail: a text for the operator, without personal data, secrets and URLs.
        retry_after: seconds that the agency asks the bus to wait; None: the agency did not say.
        status: the HTTP status; None: there was no answer.
    """

    def __init__(
        self, failure: Failure, detail: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after
        self.status = status

    def to_outcome(self) -> Outcome:
        """The outcome of a delivery that this fault ended."""
        return Outcome(self.failure, self.detail, self.retry_after, self.status)

    def to_refusal(self) -> Refused:
        """The refusal of a query that this fault ended."""
        if self.failure is not Failure.TRANSIENT:
            return AgencyRefused(f"{self.detail}; the operator has to mend the account or the address")
        headers = {} if self.retry_after is None else {"Retry-After": str(math.ceil(self.retry_after))}
        return AgencyUnavailable(f"{self.detail}; try again later", headers=headers)


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
