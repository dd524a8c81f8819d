"""The disclosure log over HTTP: who received a person's data, or what a client, a participant or a purpose received."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.contracts import Catalogue, NoSuchContract
from bus.disclosures import LONGEST_REASON, Channel, Found, Place, Wanted, to_document, write_line
from bus.http.acts import acting
from bus.http.admissions import admission_of
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.page import NO_STORE
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, principal_of
from bus.http.semantics import ContentUnread, form_of, is_head
from bus.http.surface import JSON
from bus.http.values import Moment
from bus.http.written import write_page
from bus.identity import Scope, require
from bus.problem import FieldError, Invalid

router = APIRouter(prefix="/v1/disclosures", tags=["Disclosures"], route_class=Authorised)

_NO_CONTROL = r"^[^\x00-\x1f]+$"
_NDJSON: Final = "application/x-ndjson"
_CHUNK: Final = 500
"""Disclosures that are read and sent at once in an export."""


class SearchTooWide(Invalid):
    """Say whose data, who received them, under which contract, for which purpose, or since when."""

    slug = "search-too-wide"


def _name(most: int, description: str) -> Any:
    return Query(min_length=1, max_length=most, pattern=_NO_CONTROL, description=description)


@dataclass(frozen=True, slots=True)
class DisclosureQuery:
    """Which disclosures; at least one parameter other than `until`."""

    subject: Annotated[str | None, _name(1024, "whose data: the identifier of any person in them")] = None
    participant: Annotated[str | None, _name(63, "who received them")] = None
    client_id: Annotated[str | None, _name(63, "the client that asked for them; a delivery has none")] = None
    contract: Annotated[str | None, _name(255, "the contract that they are under, in all of its versions")] = None
    purpose: Annotated[str | None, _name(1024, "the purpose that the grant names, letter by letter")] = None
    since: Annotated[Moment | None, Query(description="that happened at this moment or later")] = None
    until: Annotated[Moment | None, Query(description="that happened before this moment")] = None
    channel: Annotated[Channel | None, Query(description="the way by which they left the bus")] = None

    def make_wanted(self, catalogue: Catalogue) -> Wanted:
        """The conditions of the search.

        Raises:
            SearchTooWide: the parameters do not narrow the search.
            NoSuchContract: there is no such contract.
        """
        if all(getattr(self, field.name) is None for field in fields(self) if field.name != "until"):
            wide = [field.name for field in fields(self) if field.name != "until"]
            raise SearchTooWide(
                f"Give at least one of {', '.join(wide)}.",
                errors=[FieldError(f"/query/{name}", "is required without the others") for name in wide],
            )
        contract_id = None if self.contract is None else catalogue.number_of(self.contract)
        if self.contract is not None and contract_id is None:
            # The name is not repeated: somebody may have typed a person's number.
            raise NoSuchContract("There is no contract of this name.")
        return Wanted(
            self.subject,
            self.participant,
            self.client_id,
            contract_id,
            self.purpose,
            self.since,
            self.until,
            self.channel,
        )


class DisclosureDocument(BaseModel):
    """One answer, or one batch of deliveries, with personal data, under one grant."""

    at: datetime = Field(description="when it happened first")
    last_at: datetime = Field(description="when it happened last, on that day (UTC)")
    times: int = Field(description="how often, on that day: the same answer again, or the same deliveries")
    participant: str = Field(description="who received the data")
    client_id: str | None = Field(
        description="the client that asked, or `staff` and a name for somebody in the console; null for a delivery"
    )
    channel: Channel
    contract: str | None = Field(description="null for a lookup: a search for a person, in any contract")
    version: str = Field(description="the contract version whose grant showed the data")
    purpose: str = Field(description="as the grant says; for what staff opened or looked up, the reason")
    legal_basis: str = Field(description="as the grant says")
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


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": DisclosureList,
        "description": "A page; as NDJSON, all disclosures behind `after`, each with `positions`: its events' places as ranges",
        "content": {_NDJSON: {"schema": {"type": "string"}}},
    },
    404: {},
}


@router.get("", response_class=Response, responses=_ANSWER)
async def search_disclosures(
    request: Request,
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.DISCLOSURES_READ))],
    asked: Annotated[DisclosureQuery, Depends()],
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Who received personal data, newest first: a person's, or those of a client, participant, contract or purpose.

    All parameters narrow each other. `since` and `until` find what may have left between two moments: a disclosure that
    happened several times on a day is found if its first and last time are not both outside.

    An event about several persons is found by each of them. An answer to a query has an entry for each of its persons. Who
    asked is in the action log. With `Accept: application/x-ndjson` all of them come as one stream, without `limit`.
    """
    wanted = asked.make_wanted(rooms.catalogue)
    place = Place(*read_numbers(after, Listing.DISCLOSURES, 2)) if after else None
    is_export = form_of(request) != JSON
    # Before the answer. What was asked is no part of it: whose data, and whatever was typed into a wrong parameter.
    await asyncio.to_thread(partial(rooms.looks.note, wanted, by, further=bool(after), export=is_export))
    if not is_export:
        return await asyncio.to_thread(_answer_page, rooms, wanted, place, limit)
    if is_head(request):
        return ContentUnread(headers=NO_STORE, media_type=_NDJSON)
    admission_of(request).begin_to_wait()
    return StreamingResponse(_export(request, rooms, wanted, place), headers=NO_STORE, media_type=_NDJSON)


class LookupOrder(BaseModel):
    """Whose data, and why somebody asks."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"subject": "3524010101909001", "reason": "permintaan nomor 7"}]},
    )

    subject: str = Field(
        min_length=1, max_length=1024, pattern=_NO_CONTROL, description="the identifier of any person in the data"
    )
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="one line; the person may read it")


@router.post("/lookups", response_model=DisclosureList, responses={422: {}})
def look_up_person(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.DISCLOSURES_READ))],
    order: LookupOrder,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Who received a person's data, newest first, with the reason why you ask.

    The look is a disclosure too, with the channel `lookup` and your reason as its purpose. It is on disk before the answer, and
    in it. The identifier is in no address, so no log of a proxy has it.
    """
    place = Place(*read_numbers(after, Listing.DISCLOSURES, 2)) if after else None
    found = rooms.looks.find_person(order.subject, place, limit + 1, by, order.reason)
    return _write_page(rooms, found, limit)


def _answer_page(rooms: Rooms, wanted: Wanted, place: Place | None, limit: int) -> Response:
    return _write_page(rooms, rooms.disclosures.search(wanted, place, limit + 1), limit)


def _write_page(rooms: Rooms, found: Sequence[Found], limit: int) -> Response:
    told = [DisclosureDocument(**to_document(one, rooms.catalogue)) for one in found[:limit]]
    return write_page(DisclosureList(disclosures=told, next=_next(found, limit)), NO_STORE)


async def _export(request: Request, rooms: Rooms, wanted: Wanted, place: Place | None) -> AsyncIterator[bytes]:
    """All disclosures behind a place, as lines. If the token ends meanwhile, the stream breaks off: it must not look whole."""
    is_last = False
    while not is_last:
        require(await principal_of(request), Scope.AUDIT_READ)
        found = await asyncio.to_thread(rooms.disclosures.search, wanted, place, _CHUNK)
        yield await asyncio.to_thread(_write_lines, found, rooms.catalogue)
        is_last = len(found) < _CHUNK
        place = found[-1].place if found else None


def _write_lines(found: Sequence[Found], catalogue: Catalogue) -> bytes:
    return b"".join(write_line(one, catalogue) for one in found)


def _next(found: Sequence[Found], limit: int) -> str | None:
    return write_next_numbers(Listing.DISCLOSURES, [one.place for one in found], limit)
