"""The register of participants and their clients, for the operator."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.packing import HOLDS_SECRET
from bus.http.security import Authorised, caller
from bus.http.values import JsonObject
from bus.http.written import write_page
from bus.identity import Client, Kind, Participant, Participants, Scope, Tokens

router = APIRouter(prefix="/v1/participants", tags=["Participants"], route_class=Authorised)

_OPERATOR = [Depends(caller(Scope.ADMIN))]


class ParticipantDocument(BaseModel):
    """An organisation or app that is known to the bus."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "bapenda", "title": "Badan Pendapatan Daerah", "kind": "app"}]},
    )

    name: str = Field(description="2 to 63 small letters, digits and hyphens, a letter first")
    title: str = Field(min_length=1, max_length=200)
    kind: Kind = Field(description="operator is made by `bus init` alone")


class ParticipantList(BaseModel):
    """A page of participants in order of name."""

    participants: list[ParticipantDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class NewClient(BaseModel):
    """What a new client may do, and how it proves itself beside its secret."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"scopes": ["events.publish", "events.read"]}]}
    )

    scopes: list[str] = Field(min_length=1, description=f"of {', '.join(Scope)}")
    jwks: JsonObject | None = Field(None, description="JWK Set of public P-256 or Ed25519 keys (RFC 7523)")


class ClientCredentials(BaseModel):
    """A new client; its secret is shown this once."""

    client_id: str
    client_secret: str


class ClientDocument(BaseModel):
    """A client of a participant, without its secret."""

    client_id: str
    participant: str
    scopes: list[str]
    created_at: datetime
    revoked: bool


class ClientList(BaseModel):
    """A page of clients in order of id."""

    clients: list[ClientDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=ParticipantList, dependencies=_OPERATOR)
def list_participants(request: Request, limit: Limit = 100, after: After = "") -> Response:
    """Who is known to the bus."""
    found = _participants(request).list_page(limit + 1, read_name(after, Listing.PARTICIPANTS))
    told = [_participant_document(participant) for participant in found[:limit]]
    following = write_next_name(Listing.PARTICIPANTS, "", [one.name for one in found], limit)
    return write_page(ParticipantList(participants=told, next=following))


@router.post("", status_code=201)
def add_participant(
    request: Request,
    response: Response,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.PARTICIPANT_ADD))],
    new: ParticipantDocument,
) -> ParticipantDocument:
    """Make an organisation or app known."""
    participant = _participants(request).add(new.name, new.title, new.kind, by)
    response.headers["Location"] = f"{router.prefix}/{participant.name}/clients"
    return _participant_document(participant)


@router.get("/{name}/clients", response_model=ClientList, dependencies=_OPERATOR)
def list_clients(request: Request, name: str, limit: Limit = 100, after: After = "") -> Response:
    """The clients of a participant, revoked ones too."""
    found = _participants(request).list_clients(name, limit + 1, read_name(after, Listing.CLIENTS, name))
    told = [_client_document(client) for client in found[:limit]]
    following = write_next_name(Listing.CLIENTS, name, [one.client_id for one in found], limit)
    return write_page(ClientList(clients=told, next=following))


@router.post("/{name}/clients", status_code=201, dependencies=[HOLDS_SECRET])
def add_client(
    request: Request,
    response: Response,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_ADD))],
    name: str,
    new: NewClient,
) -> ClientCredentials:
    """Make a client of a participant. Its secret is in this answer and nowhere else."""
    client, secret = _participants(request).add_client(name, new.scopes, new.jwks, by=by)
    # Known here at once: its first login shall not have to be looked for.
    _tokens(request).refresh()
    response.headers["Cache-Control"] = "no-store"
    return ClientCredentials(client_id=client.client_id, client_secret=secret)


@router.delete("/{name}/clients/{client_id}", status_code=204)
def revoke_client(
    request: Request, by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_REVOKE))], name: str, client_id: str
) -> None:
    """Shut a client out for good; its tokens are refused here at once and everywhere within a second."""
    _participants(request).revoke_client(name, client_id, by)
    _tokens(request).refresh()


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.rooms.tokens
    return tokens


def _participants(request: Request) -> Participants:
    participants: Participants = request.app.state.rooms.participants
    return participants


def _participant_document(participant: Participant) -> ParticipantDocument:
    return ParticipantDocument(name=participant.name, title=participant.title, kind=participant.kind)


def _client_document(client: Client) -> ClientDocument:
    return ClientDocument(
        client_id=client.client_id,
        participant=client.participant,
        scopes=sorted(client.scopes),
        created_at=client.created_at,
        revoked=client.revoked,
    )
