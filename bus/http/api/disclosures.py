"""The disclosure log over HTTP: who received a person's data, or what a participant received."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from bus.actions import Action, Actor, Object, Verb
from bus.contracts import Catalogue
from bus.disclosures import Channel, Found, Place, Wanted
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.written import write_page
from bus.identity import Scope
from bus.problem import FieldError, Invalid

router = APIRouter(prefix="/v1/disclosures", tags=["Disclosures"], route_class=Authorised)

_NO_CONTROL = r"^[^\x00-\x1f]+$"

Subject = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=1024,
        pattern=_NO_CONTROL,
        description="whose data: the identifier of any person in them",
    ),
]
Recipient = Annotated[
    str | None, Query(min_length=1, max_length=63, pattern=_NO_CONTROL, description="who received them")
]


class SearchTooWide(Invalid):
    """Say whose data, or who received them, or both."""

    slug = "search-too-wide"


class DisclosureDocument(BaseModel):
    """One answer, or one batch of deliveries, with personal data, under one grant."""

    at: datetime = Field(description="when it happened first")
    last_at: datetime = Field(description="when it happened last, on that day (UTC)")
    times: int = Field(description="how often, on that day: the same answer again, or the same deliveries")
    participant: str = Field(description="who received the data")
    client_id: str | None = Field(description="the client that asked; null for a delivery")
    channel: Channel
    contract: str | None
    version: str
    purpose: str
    legal_basis: str
    fields: list[str] = Field(description="JSON Pointers of what was granted; the empty pointer stands for all")
    events: int = Field(description="how many events it held; 0 for the answer to a query")
    unsent: int = Field(
        description="how many further events were about to be sent and did not leave, since the sink could not be reached"
    )
    set_by: str | None = Field(
        description="of a delivery: who set the subscription's sink, such as the operator; null: the participant itself"
    )


class DisclosureList(BaseModel):
    """A page of disclosures, newest first."""

    disclosures: list[DisclosureDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=DisclosureList)
def search_disclosures(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.DISCLOSURES_READ))],
    subject: Subject = None,
    participant: Recipient = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Who received personal data: a person's (`subject`), or what one participant received (`participant`).

    An event about several persons is found by each of them. An answer to a query has an entry for each of its persons. Who
    asked is in the action log.
    """
    if subject is None and participant is None:
        wrong = [FieldError(f"/query/{name}", "is required without the other") for name in ("subject", "participant")]
        raise SearchTooWide("Give subject, participant, or both.", errors=wrong)
    before = Place(*read_numbers(after, Listing.DISCLOSURES, 2)) if after else None
    # Before the answer. Whose data was asked about is no part of it: that would be personal data.
    details = {"subject": subject is not None, "further": bool(after)}
    rooms.actions.record([Action(Verb.DISCLOSURES_READ, by, Object("disclosures", ""), participant, details=details)])
    found = rooms.disclosures.search(Wanted(subject, participant), before, limit + 1)
    told = [_document(one, rooms.catalogue) for one in found[:limit]]
    return write_page(DisclosureList(disclosures=told, next=_next(found, limit)), NO_STORE)


def _next(found: Sequence[Found], limit: int) -> str | None:
    return write_next_numbers(Listing.DISCLOSURES, [one.place for one in found], limit)


def _document(found: Found, catalogue: Catalogue) -> DisclosureDocument:
    disclosure = found.disclosure
    return DisclosureDocument(
        at=found.at,
        last_at=found.last_at,
        times=found.times,
        participant=disclosure.participant,
        client_id=disclosure.client_id,
        channel=disclosure.channel,
        contract=catalogue.name_of(disclosure.contract_id),
        version=disclosure.version,
        purpose=disclosure.purpose,
        legal_basis=disclosure.legal_basis,
        fields=list(disclosure.fields),
        events=found.events,
        unsent=found.unsent,
        set_by=disclosure.set_by,
    )
