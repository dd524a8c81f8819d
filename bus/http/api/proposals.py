"""Proposals over HTTP: the contract versions that wait for an approval."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bus.contracts import Proposal
from bus.http.api.contracts import Reader
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.written import write_page

router = APIRouter(prefix="/v1/proposals", tags=["Contracts"], route_class=Authorised)


class ProposalDocument(BaseModel):
    """A version that was proposed, and is not in force yet."""

    contract: str
    version: str
    since: datetime
    by: str = Field(description="the participant that proposed it")
    approver: str | None = Field(description="the participant that owns the domain, and approves; null: the operator")
    adapter_owners: list[str] = Field(description="participants whose word for their adapter is missing")


class ProposalList(BaseModel):
    """A page of proposals in order of contract and version."""

    proposals: list[ProposalDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=ProposalList)
def list_proposals(rooms: TheRooms, caller: Reader, limit: Limit = 100, after: After = "") -> Response:
    """The versions that wait for an approval, or for the word of an adapter's owner."""
    last = read_name(after, Listing.PROPOSALS)
    behind = sorted(
        (one for one in rooms.catalogue.registrar.proposals.read() if _write_place(one) > last), key=_write_place
    )
    following = write_next_name(Listing.PROPOSALS, "", [_write_place(one) for one in behind], limit)
    return write_page(ProposalList(proposals=[_document(one) for one in behind[:limit]], next=following))


def _write_place(one: Proposal) -> str:
    return f"{one.contract}/{one.version}"


def _document(one: Proposal) -> ProposalDocument:
    return ProposalDocument(
        contract=one.contract,
        version=one.version,
        since=one.since,
        by=one.by,
        approver=one.approver,
        adapter_owners=list(one.adapter_owners),
    )
