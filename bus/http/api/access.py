"""Who may get what, over HTTP: of one contract, and of one participant over all contracts."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bus import clock
from bus.contracts import Access, Classification, ContractVersion, Mask, State, describe_access
from bus.http.api.contracts import Reader
from bus.http.api.grants import SuspensionDetail, tell_suspension
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.path_parameters import ContractName, ParticipantName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.http.written import write_page
from bus.identity import Principal, Scope
from bus.problem import Forbidden

router = APIRouter(prefix="/v1", tags=["Contracts"], route_class=Authorised)


class NotYourAccess(Forbidden):
    """What a participant may get is shown to itself, to the operator, and to auditors."""

    slug = "not-your-access"


class GrantedField(BaseModel):
    """One field that is shown, with all below it."""

    pointer: str = Field(description="JSON Pointer into the data (query: the answer); `*` stands for every item")
    mask: Mask | None = Field(description="null: it is shown as it is")


class GrantDetail(BaseModel):
    """What one participant may get of one contract version, why and until when."""

    participant: str
    purpose: str
    legal_basis: str
    until: date | None = Field(description="the last day, by Lamongan's calendar; null: no end")
    ended: bool = Field(description="that day is over: nothing is shown any more")
    suspended: SuspensionDetail | None = Field(description="nothing is shown while it is suspended; null: it is not")
    granted: list[str] | None = Field(description="the pointers that the contract names; null: everything")
    fields: list[GrantedField] = Field(description="the same field by field, as far as the schema declares them")
    rows: list[dict[str, Any]] = Field(description="filters that the data must all meet; empty: all data")


class VersionAccess(BaseModel):
    """A version in force, and who may get what of it."""

    version: str
    state: State
    classification: Classification
    grants: list[GrantDetail]


class ContractAccess(BaseModel):
    """Who may get which field of a contract, in each version in force, oldest first."""

    contract: str
    title: str
    owner: str
    versions: list[VersionAccess]


class ParticipantAccess(BaseModel):
    """What one participant may get, by contract in order of name."""

    participant: str
    contracts: list[ContractAccess]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("/contracts/{name}/access", response_model=ContractAccess)
def read_access(rooms: TheRooms, caller: Reader, name: ContractName) -> Response:
    """Who may get which field of this contract, why, and until when."""
    newest = rooms.catalogue.newest(name)
    return write_page(_contract_access(rooms, caller, rooms.catalogue.in_force(name) or [newest], None))


@router.get("/participants/{name}/access", response_model=ParticipantAccess)
def read_participant_access(
    rooms: TheRooms, caller: Reader, name: ParticipantName, limit: Limit = 100, after: After = ""
) -> Response:
    """What this participant may get over all contracts in force; one's own, or anybody's with admin or audit.read."""
    if caller.participant != name and not {Scope.ADMIN, Scope.AUDIT_READ} & caller.scopes:
        raise NotYourAccess(f"{caller.participant} may not see what {name} may get.")
    rooms.participants.get(name)
    last = read_name(after, Listing.ACCESS, name)
    names = [contract for contract in rooms.catalogue.list_contracts_naming(name) if contract > last]
    found = [_contract_access(rooms, caller, rooms.catalogue.in_force(contract), name) for contract in names[:limit]]
    granting = [contract for contract in found if contract.versions]
    following = write_next_name(Listing.ACCESS, name, names, limit)
    return write_page(ParticipantAccess(participant=name, contracts=granting, next=following))


def _contract_access(
    rooms: Rooms, caller: Principal, versions: list[ContractVersion], participant: str | None
) -> ContractAccess:
    """One contract's versions; for one participant those that grant it something."""
    contract = versions[-1].contract
    told = [_version_access(rooms, caller, version, participant) for version in versions]
    return ContractAccess(
        contract=contract.name,
        title=contract.title,
        owner=contract.owner,
        versions=[version for version in told if version.grants or participant is None],
    )


def _version_access(
    rooms: Rooms, caller: Principal, version: ContractVersion, participant: str | None
) -> VersionAccess:
    contract = version.contract
    found = describe_access(contract, clock.today(), participant)
    suspensions = [rooms.catalogue.find_suspension(contract.name, one.participant) for one in found]
    told = [tell_suspension(suspension, contract.owner, caller) for suspension in suspensions]
    return VersionAccess(
        version=contract.version,
        state=version.state,
        classification=contract.classification,
        grants=[_detail(one, suspended) for one, suspended in zip(found, told, strict=True)],
    )


def _detail(one: Access, suspended: SuspensionDetail | None) -> GrantDetail:
    return GrantDetail(
        participant=one.participant,
        purpose=one.purpose,
        legal_basis=one.legal_basis,
        until=one.until,
        ended=one.has_ended,
        suspended=suspended,
        granted=None if one.granted is None else list(one.granted),
        fields=[GrantedField(pointer=field.pointer, mask=field.mask) for field in one.fields],
        rows=[dict(row) for row in one.rows],
    )
