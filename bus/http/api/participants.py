"""The register of participants and their clients, for the operator."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from bus import identity
from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.idempotency import FirstAnswer, IdempotencyKey, answer_once
from bus.http.openapi_parts import refer_headers
from bus.http.packing import HOLDS_SECRET
from bus.http.page import NO_STORE
from bus.http.path_parameters import ClientId, ParticipantName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.values import JsonObject
from bus.http.written import write_model, write_page
from bus.identity import KEYS_TAKEN, Client, Kind, Participant, Participants, Scope, Tokens
from bus.mailbox import LONGEST, PATTERN
from bus.storage import Transaction

router = APIRouter(prefix="/v1/participants", tags=["Participants"], route_class=Authorised)

_MADE: Final[dict[int | str, dict[str, Any]]] = {201: {"headers": refer_headers("Location")}, 409: {}, 422: {}}
_PRINTABLE: Final = "^[^\\x00-\\x1f\\x7f-\\xa0\\xad]*$"
"""Nearly all that a title may be: printable, on one line."""
_MAILBOX: Final = {"type": "string", "pattern": PATTERN, "maxLength": LONGEST}
_MADE_HERE: Final = [kind.value for kind in Kind if kind is not Kind.OPERATOR]
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
    contact: str | None = Field(None, description="mail address that gets its notices; null: it has none")


class NewParticipant(ParticipantDocument):
    """An organisation or app to make known."""

    name: str = Field(json_schema_extra={"pattern": "^[a-z][a-z0-9-]{1,62}$", "maxLength": 63})
    title: str = Field(min_length=1, max_length=200, json_schema_extra={"pattern": _PRINTABLE})
    kind: Annotated[Kind, WithJsonSchema({"type": "string", "enum": _MADE_HERE})]
    contact: Annotated[str, WithJsonSchema(_MAILBOX)] | None = Field(
        None, description="mail address of the office, which gets notices of the participant's own troubles"
    )


class ParticipantChange(BaseModel):
    """What changes of a participant."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"contact": "tik@bapenda.lamongan.go.id"}]}
    )

    contact: Annotated[str, WithJsonSchema(_MAILBOX)] | None = Field(
        description="mail address that gets its notices from now on; null: none does"
    )


class ParticipantDescription(BaseModel):
    """What a participant is called, and what it is. Without a contact it keeps the one that it has."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "Badan Pendapatan Daerah", "kind": "app"}]}
    )

    title: str = Field(min_length=1, max_length=200, json_schema_extra={"pattern": _PRINTABLE})
    kind: Annotated[Kind, WithJsonSchema({"type": "string", "enum": _MADE_HERE})]
    contact: Annotated[str, WithJsonSchema(_MAILBOX)] | None = None


class ParticipantList(BaseModel):
    """A page of participants in order of name."""

    participants: list[ParticipantDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


_SCOPES: Final = {
    "type": "array",
    "items": {"type": "string", "enum": list(Scope)},
    "minItems": 1,
    "description": "what its tokens may carry",
}
_JWK: Final = {
    "type": "object",
    "required": ["kty"],
    "properties": {
        "kty": {"type": "string", "enum": ["EC", "OKP", "RSA"]},
        "crv": {"type": "string", "enum": ["P-256", "P-384", "Ed25519"]},
    },
}
_JWKS: Final = {
    "type": "object",
    "required": ["keys"],
    "properties": {"keys": {"type": "array", "maxItems": 16, "items": _JWK}},
}
_JWKS_TEXT: Final = f"JWK Set of public keys, each one of {KEYS_TAKEN} (RFC 7523); a client with keys has no secret"


class NewClient(BaseModel):
    """What a new client may do, and how it proves itself: with a secret, or with keys of its own."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"scopes": ["events.publish", "events.read"]}]}
    )

    scopes: Annotated[list[str], WithJsonSchema(_SCOPES)]
    jwks: Annotated[JsonObject, WithJsonSchema(_JWKS)] | None = Field(None, description=_JWKS_TEXT)


class ClientChange(BaseModel):
    """What changes of a client; what is absent stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scopes": ["events.read"]}]})

    scopes: Annotated[list[str], WithJsonSchema(_SCOPES)] | None = Field(None, description="all from now on")
    jwks: Annotated[JsonObject, WithJsonSchema(_JWKS)] | None = Field(
        None, description=f"takes the place of the client's keys or secret: {_JWKS_TEXT}"
    )


class ClientCredentials(BaseModel):
    """A new client; its secret is shown this once."""

    client_id: str
    client_secret: str | None = Field(None, description="absent for a client with keys")


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


@router.post("", status_code=201, responses=_MADE)
def add_participant(
    request: Request,
    response: Response,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.PARTICIPANT_ADD))],
    new: NewParticipant,
) -> ParticipantDocument:
    """Make an organisation or app known."""
    participant = _participants(request).add(new.name, new.title, new.kind, by, new.contact)
    response.headers["Location"] = f"{router.prefix}/{participant.name}/clients"
    return _participant_document(participant)


@router.patch("/{name}")
def update_participant(
    request: Request,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.PARTICIPANT_UPDATE))],
    name: ParticipantName,
    change: ParticipantChange,
) -> ParticipantDocument:
    """Change where a participant gets its notices. The action log says that it changed, and not to which address."""
    return _participant_document(_participants(request).set_contact(name, change.contact, by))


@router.put(
    "/{name}",
    responses={
        201: {
            "model": ParticipantDocument,
            "description": "The participant was made known",
            "headers": refer_headers("Location"),
        },
        409: {},
        422: {},
    },
)
def set_participant(
    rooms: TheRooms,
    response: Response,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.PARTICIPANT_UPDATE))],
    name: ParticipantName,
    description: ParticipantDescription,
) -> ParticipantDocument:
    """Make an organisation or app known, or correct its title and kind. The same again changes nothing."""
    participant = Participant(name, description.title, description.kind, description.contact)
    step = identity.set_participant(rooms.storage, participant, by)
    if step.change is identity.Change.ADD:
        response.status_code = 201
        response.headers["Location"] = f"{router.prefix}/{name}/clients"
    return _participant_document(step.after)


@router.get("/{name}/clients", response_model=ClientList, dependencies=_OPERATOR)
def list_clients(request: Request, name: ParticipantName, limit: Limit = 100, after: After = "") -> Response:
    """The clients of a participant, revoked ones too."""
    found = _participants(request).list_clients(name, limit + 1, read_name(after, Listing.CLIENTS, name))
    told = [_client_document(client) for client in found[:limit]]
    following = write_next_name(Listing.CLIENTS, name, [one.client_id for one in found], limit)
    return write_page(ClientList(clients=told, next=following))


@router.post(
    "/{name}/clients",
    status_code=201,
    response_model=ClientCredentials,
    dependencies=[HOLDS_SECRET],
    responses=_MADE,
)
async def add_client(
    request: Request,
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_ADD))],
    name: ParticipantName,
    new: NewClient,
    key: IdempotencyKey,
) -> Response:
    """Make a client of a participant. Its secret is in this answer and nowhere else."""

    async def make(first: FirstAnswer) -> None:
        await asyncio.to_thread(_add_client, rooms, name, new, by, first)

    return await answer_once(request, rooms, by, key, make)


def _add_client(rooms: Rooms, participant: str, new: NewClient, by: Actor, first: FirstAnswer) -> None:
    def give(transaction: Transaction, client: Client, secret: str | None) -> None:
        credentials = ClientCredentials(client_id=client.client_id, client_secret=secret)
        location = f"{router.prefix}/{participant}/clients/{client.client_id}"
        first.give(transaction, write_model(credentials, {"Location": location, **NO_STORE}, 201, has_nulls=False))

    rooms.participants.add_client(participant, new.scopes, new.jwks, by=by, made=give)
    # Known here at once: its first login shall not have to be looked for.
    rooms.tokens.refresh()


@router.patch("/{name}/clients/{client_id}", responses={409: {}})
def update_client(
    request: Request,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_UPDATE))],
    name: ParticipantName,
    client_id: ClientId,
    change: ClientChange,
) -> ClientDocument:
    """Change a client's scopes or keys; its secret stays.

    Tokens that are out lose at once what is taken away, everywhere within a second. They gain nothing: ask for new ones.
    """
    client = _participants(request).update_client(name, client_id, change.scopes, change.jwks, by=by)
    _tokens(request).refresh()
    return _client_document(client)


@router.post("/{name}/clients/{client_id}/rotate-secret", dependencies=[HOLDS_SECRET], responses={409: {}})
def rotate_client_secret(
    request: Request,
    response: Response,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_ROTATE_SECRET))],
    name: ParticipantName,
    client_id: ClientId,
) -> ClientCredentials:
    """A new secret for a client; the one before stops working within a second. Tokens that are out go on to their end.

    To change without a gap, make a second client, give its secret to the app, then revoke the first.
    """
    secret = _participants(request).rotate_secret(name, client_id, by)
    _tokens(request).refresh()
    response.headers.update(NO_STORE)
    return ClientCredentials(client_id=client_id, client_secret=secret)


@router.delete("/{name}/clients/{client_id}", status_code=204)
def revoke_client(
    request: Request,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.CLIENT_REVOKE))],
    name: ParticipantName,
    client_id: ClientId,
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
    return ParticipantDocument(
        name=participant.name, title=participant.title, kind=participant.kind, contact=participant.contact
    )


def _client_document(client: Client) -> ClientDocument:
    return ClientDocument(
        client_id=client.client_id,
        participant=client.participant,
        scopes=sorted(client.scopes),
        created_at=client.created_at,
        revoked=client.revoked,
    )
