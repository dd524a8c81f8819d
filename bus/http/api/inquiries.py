"""Inquiries over HTTP: what data subjects ask, with the three times 24 hours in which the law wants an answer."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_position, write_position
from bus.http.openapi_parts import refer_headers
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised, caller
from bus.http.values import Moment
from bus.http.written import write_model, write_page
from bus.identity import Principal, Scope
from bus.inquiries import Inquiry, NewInquiry

router = APIRouter(prefix="/v1/inquiries", tags=["Disclosures"], route_class=Authorised)

_MADE: Final[dict[int | str, dict[str, Any]]] = {201: {"headers": refer_headers("Location")}, 422: {}}
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="the inquiry's number")]
Auditor = Annotated[Principal, Depends(caller(Scope.AUDIT_READ))]


class InquiryOrder(BaseModel):
    """What a data subject asks."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"subject": "3524010101909001", "reason": "surat pemohon nomor 12"}]},
    )

    subject: str = Field(
        min_length=1, max_length=1024, description="the person's identifier; the bus keeps its last four characters"
    )
    reason: str = Field(min_length=1, max_length=500, description="one line: how the person asked")
    received_at: Moment | None = Field(
        None, description="when your office received it, which starts the clock; absent: now"
    )


class EndingOrder(BaseModel):
    """How an inquiry ended."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "jawaban diserahkan di loket, tanda terima 12"}]}
    )

    note: str = Field(min_length=1, max_length=500, description="one line")


class InquiryDocument(BaseModel):
    """One inquiry of a data subject."""

    number: int
    subject: str = Field(description="the person's identifier with its last four characters alone")
    reason: str = Field(description="how the person asked")
    received_at: datetime
    due_at: datetime = Field(description="72 hours after `received_at` (UU 27/2022, art. 32)")
    opened_by: str
    closed_at: datetime | None = Field(description="null: it is open")
    closed_by: str | None
    note: str | None = Field(description="how it ended")


class InquiryList(BaseModel):
    """A page of inquiries, newest first."""

    inquiries: list[InquiryDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.post("", status_code=201, response_model=InquiryDocument, responses=_MADE)
def open_inquiry(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.INQUIRY_OPEN))],
    order: InquiryOrder,
) -> Response:
    """Open an inquiry. Then ask `POST /v1/disclosures/lookups` who received the person's data."""
    made = rooms.inquiries.open(NewInquiry(order.subject, order.reason, order.received_at), by)
    return write_model(_document(made), {**NO_STORE, "Location": f"{router.prefix}/{made.number}"}, 201)


@router.get("", response_model=InquiryList)
def list_inquiries(
    rooms: TheRooms,
    caller: Auditor,
    open: Annotated[bool, Query(description="leave out those that are closed")] = False,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """The inquiries, newest first."""
    before = read_position(after, Listing.INQUIRIES, "") or None
    found = rooms.inquiries.list_page(limit + 1, before, only_open=open)
    following = write_position(Listing.INQUIRIES, "", found[limit - 1].number) if len(found) > limit else None
    return write_page(InquiryList(inquiries=[_document(one) for one in found[:limit]], next=following), NO_STORE)


@router.get("/{number}", response_model=InquiryDocument, responses={404: {}})
def read_inquiry(rooms: TheRooms, caller: Auditor, number: Number) -> Response:
    """One inquiry."""
    return write_model(_document(rooms.inquiries.get(number)), NO_STORE)


@router.post("/{number}/close", response_model=InquiryDocument, responses={409: {}, 422: {}})
def close_inquiry(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.INQUIRY_CLOSE))],
    number: Number,
    order: EndingOrder,
) -> Response:
    """Close an inquiry with a note that says how it ended."""
    return write_model(_document(rooms.inquiries.close(number, order.note, by)), NO_STORE)


def _document(inquiry: Inquiry) -> InquiryDocument:
    return InquiryDocument(
        number=inquiry.number,
        subject=inquiry.person,
        reason=inquiry.about,
        received_at=inquiry.received_at,
        due_at=inquiry.due_at,
        opened_by=inquiry.opened_by,
        closed_at=inquiry.closed_at,
        closed_by=inquiry.closed_by,
        note=inquiry.note,
    )
