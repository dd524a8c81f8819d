"""Domains over HTTP, for the operator: who proposes and activates contracts in which domain."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.contracts import Domain
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.path_parameters import DomainName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_page
from bus.identity import Scope

router = APIRouter(prefix="/v1/domains", tags=["Domains"], route_class=Authorised)

_OPERATOR: Final = [Depends(caller(Scope.ADMIN))]
_NAMES_NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is no such domain"}}
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is no such participant"}, 422: {}}


class DomainDocument(BaseModel):
    """A domain and its owner."""

    domain: str
    owner: str | None = Field(description="null: nobody; the operator alone proposes and activates in it")
    since: datetime | None = Field(description="when the participant became the owner")


class DomainList(BaseModel):
    """A page of domains in order of name."""

    domains: list[DomainDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class DomainOrder(BaseModel):
    """Who shall own a domain."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"owner": "dinkes"}]})

    owner: str = Field(min_length=1, max_length=63, description="a participant")


@router.get("", response_model=DomainList, dependencies=_OPERATOR)
def list_domains(rooms: TheRooms, limit: Limit = 100, after: After = "") -> Response:
    """The domains that have contracts or an owner."""
    behind = read_name(after, Listing.DOMAINS)
    found = [one for one in rooms.catalogue.registrar.read_domains() if one.name > behind]
    following = write_next_name(Listing.DOMAINS, "", [one.name for one in found], limit)
    return write_page(DomainList(domains=[_document(one) for one in found[:limit]], next=following))


@router.get("/{domain}", dependencies=_OPERATOR, responses=_NAMES_NONE)
def read_domain(rooms: TheRooms, domain: DomainName) -> DomainDocument:
    """Who owns a domain."""
    return _document(rooms.catalogue.registrar.read_domain(domain))


@router.put("/{domain}/owner", responses=_REFUSALS)
async def put_domain(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.DOMAIN_SET))],
    domain: DomainName,
    order: DomainOrder,
) -> DomainDocument:
    """Give a domain to a participant, which then proposes and activates the versions in it."""
    return await asyncio.to_thread(_put, rooms, domain, order.owner, by)


@router.delete("/{domain}/owner", status_code=204, responses={404: _NAMES_NONE[404], 422: {}})
def delete_domain_owner(
    rooms: TheRooms, by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.DOMAIN_SET))], domain: DomainName
) -> None:
    """Take a domain from its owner. The operator alone then proposes and activates in it; its contracts stay."""
    rooms.catalogue.registrar.read_domain(domain)
    rooms.catalogue.registrar.set_domain_owner(domain, None, by)


def _put(rooms: Rooms, domain: str, owner: str, by: Actor) -> DomainDocument:
    rooms.participants.get(owner)
    rooms.catalogue.registrar.set_domain_owner(domain, owner, by)
    return _document(rooms.catalogue.registrar.read_domain(domain))


def _document(domain: Domain) -> DomainDocument:
    return DomainDocument(domain=domain.name, owner=domain.owner, since=domain.since)
