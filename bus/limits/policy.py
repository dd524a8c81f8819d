"""The policy: the declaration of every limit of a participant, with its default and its meaning.

Settings (`BUS_LIMITS__<NAME>`), the API, the command line and the documentation all use this declaration.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import NoDecode

from bus.limits.errors import LimitsRefused
from bus.limits.rate import Rate
from bus.problem import FieldError

RateText = Annotated[Rate, NoDecode]
"""A rate in settings. Its text is no JSON, so pydantic must not decode it."""

_MEBIBYTE: Final = 1024 * 1024
_LARGEST: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 8259, section 6)."""


class Limit(StrEnum):
    """The names of the limits."""

    PUBLISH = "publish"
    READ = "read"
    MANAGE = "manage"
    QUERIES = "queries"
    TOKENS = "tokens"
    CLIENT_TOKENS = "client_tokens"
    SINK_TESTS = "sink_tests"
    REQUESTS = "requests"
    QUESTIONS = "questions"
    WAITING_READERS = "waiting_readers"
    AGENCY_DAY = "agency_day"
    SUBSCRIPTIONS = "subscriptions"
    FILTER_NODES = "filter_nodes"
    FILTER_BYTES = "filter_bytes"
    DRAFTS = "drafts"
    CONTRACTS = "contracts"
    CONTRACT_BYTES = "contract_bytes"


class Policy(BaseModel):
    """What one participant may do: rates such as `600/60s`, and numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: RateText = Field(Rate(20_000, 10), description="events published; each 32 KiB of a body count as one more")
    read: RateText = Field(Rate(2_000, 10), description="requests that read")
    manage: RateText = Field(Rate(600, 60), description="requests that change something")
    queries: RateText = Field(Rate(600, 60), description="questions to agencies")
    tokens: RateText = Field(Rate(1_200, 60), description="access tokens made or revoked")
    client_tokens: RateText = Field(Rate(300, 60), description="access tokens made or revoked, of each client")
    sink_tests: RateText = Field(Rate(30, 60), description="tests of webhooks")
    requests: int = Field(
        16,
        ge=1,
        le=_LARGEST,
        description="requests worked on at once in a process, but for publishing and pages; others wait",
    )
    questions: int = Field(
        4, ge=1, le=_LARGEST, description="questions to agencies worked on at once in a process; others wait"
    )
    waiting_readers: int = Field(200, ge=0, le=_LARGEST, description="long-polls and streams at once in a process")
    agency_day: int = Field(2_500, ge=0, le=_LARGEST, description="questions a day to each agency, out of its quota")
    subscriptions: int = Field(100, ge=0, le=_LARGEST, description="subscriptions")
    filter_nodes: int = Field(
        200, ge=0, le=_LARGEST, description="parts of the filters of a subscription, or of the rows of a grant"
    )
    filter_bytes: int = Field(
        16_384, ge=0, le=_LARGEST, description="bytes of the filters of a subscription, or of the rows of a grant"
    )
    drafts: int = Field(200, ge=0, le=_LARGEST, description="contract versions registered that are not in force yet")
    contracts: int = Field(2_000, ge=0, le=_LARGEST, description="contract versions registered")
    contract_bytes: int = Field(
        64 * _MEBIBYTE, ge=0, le=_LARGEST, description="bytes of all contract versions registered"
    )

    def get_rate(self, limit: Limit) -> Rate:
        """The value of a limit that is a rate."""
        value = getattr(self, limit)
        assert isinstance(value, Rate)  # noqa: S101 - the declaration above says so
        return value

    def get_number(self, limit: Limit) -> int:
        """The value of a limit that is a number."""
        value = getattr(self, limit)
        assert isinstance(value, int)  # noqa: S101 - the declaration above says so
        return value

    def to_values(self) -> dict[str, Any]:
        """Every limit by name, as JSON writes it."""
        return self.model_dump()

    def with_own(self, own: Mapping[str, Any]) -> "Policy":
        """This policy, with a participant's own values in place of the defaults.

        Raises:
            LimitsRefused: a limit does not exist or cannot have its value. Each error has its pointer.
        """
        try:
            return Policy.model_validate(self.to_values() | dict(own))
        except ValidationError as error:
            raise _make_refusal(error) from None


RATES: Final = tuple(Limit(name) for name, field in Policy.model_fields.items() if field.annotation is Rate)
"""The limits that are rates."""

SHARED: Final = tuple(limit for limit in RATES if limit is not Limit.CLIENT_TOKENS)
"""The rates that all clients of a participant share."""


def _make_refusal(error: ValidationError) -> LimitsRefused:
    wrong = [
        FieldError(f"/limits/{item['loc'][0]}", str(item["msg"]).removeprefix("Value error, "))
        for item in error.errors(include_input=False, include_url=False)
    ]
    return LimitsRefused(f"Limits are {', '.join(Limit)}.", errors=wrong)
