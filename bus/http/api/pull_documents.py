"""What pullers send and get over HTTP: deliveries under a lease, and what they say of them."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bus.delivery import SettlementResult
from bus.http.api.subscription_documents import ReplayStart
from bus.http.event_documents import CloudEvent
from bus.texts import UNSEEN

_MOST: Final = 1000
"""Names in one request: as many as one pull gives."""
_LONGEST_NAME: Final = 100
LONGEST_LEASE: Final = 43_200
"""Seconds."""
_LEASE: Final = "lease_k3v5m2qa7xw4c6dnb5ty"
_DELIVERY: Final = "sub_k3v5m2qa7xw4c6dnb5ty.1200"


def _check_reason(text: str) -> str:
    if UNSEEN.search(text):
        raise ValueError("must be on one line, of characters that are seen")
    return text


Names = Annotated[list[Annotated[str, Field(max_length=_LONGEST_NAME)]], Field(max_length=_MOST)]


class PulledDelivery(BaseModel):
    """One event that you hold."""

    id: str = Field(
        description="the delivery's id: the subscription's id, a dot, the event's position", examples=[_DELIVERY]
    )
    tries: int = Field(description="how often it was pulled since it was last made due by hand, with this time")
    event: CloudEvent


class PulledDocument(BaseModel):
    """What you pulled. You hold it until `until`, and then it comes again."""

    lease: str | None = Field(description="names all of this; null: there is nothing", examples=[_LEASE])
    until: datetime | None = Field(description="the end of the lease; null: there is nothing")
    deliveries: list[PulledDelivery] = Field(description="in the order of their positions")


class Acknowledgement(BaseModel):
    """What you are done with: whole leases, single deliveries, or both."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"leases": [_LEASE]}]})

    leases: Names = Field([], description="of pulls: everything that you still hold under them")
    deliveries: Names = Field([], description="ids of deliveries that you hold")

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if not self.leases and not self.deliveries:
            raise ValueError("must name a lease or a delivery")
        return self


class ReturnOrder(Acknowledgement):
    """What you could not do, and why. It comes again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"deliveries": [_DELIVERY], "reason": "the register is locked", "delay": 60}]},
    )

    reason: Annotated[str, AfterValidator(_check_reason)] = Field(
        "", max_length=500, description="stands with the attempt, for you and the operator; write no personal data"
    )
    delay: float | None = Field(
        None,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="seconds until it may come again; absent: longer with each try, as for webhooks",
    )


class Extension(BaseModel):
    """What you need for longer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"leases": [_LEASE], "seconds": 300}]})

    leases: Names = Field(min_length=1, description="of pulls")
    seconds: float = Field(
        ge=1, le=LONGEST_LEASE, allow_inf_nan=False, description="how long from now; a later end stays as it is"
    )


class SeekOrder(BaseModel):
    """From where the subscription goes on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": 1200}, {"to": "2026-11-24T00:00:00+07:00"}]}
    )

    to: ReplayStart = Field(description="the first position, beginning, or when it was recorded")


DETAILS: Final = {
    SettlementResult.ACKNOWLEDGED: "",
    SettlementResult.RETURNED: "",
    SettlementResult.EXTENDED: "",
    SettlementResult.SETTLED: "it was settled before; there is nothing to do",
    SettlementResult.ENDED: "its lease has ended; it comes again, or came again already",
    SettlementResult.OF_ANOTHER: "another client of yours holds it",
    SettlementResult.NOT_HELD: "nobody holds it: it waits, is dead, or was discarded",
    SettlementResult.UNKNOWN: "this subscription has nothing of this name, or its lease ended more than a day ago",
}
"""What each result means, in words."""


class Settlement(BaseModel):
    """What became of one lease or one delivery that you named."""

    lease: str | None = Field(description="if you named a lease")
    delivery: str | None = Field(description="if you named a delivery")
    result: SettlementResult = Field(
        description="acknowledged, returned, extended: done. settled: it was done before. ended: the lease has ended. "
        "of-another: another client holds it. not-held: nobody holds it. unknown: this subscription has no such thing"
    )
    deliveries: int = Field(description="how many deliveries this settled, or holds for longer")
    dead: int = Field(description="how many of these were tried as often as may be, and are dead now")
    until: datetime | None = Field(description="the new end of an extended lease")
    detail: str = Field(description="what the result means; empty if it is done")


class SettlementList(BaseModel):
    """What became of each name: leases first, in the order in which you named them."""

    results: list[Settlement]
