"""Adapter documents over HTTP: reading the register, and registering drafts."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from bus import clock, json, limits
from bus.actions import Actor, Verb
from bus.contracts import State, Tags
from bus.declared import AdapterMove, Draft, Judgement, RegisteredAdapter, make_draft, read_adapter
from bus.http.acts import acting
from bus.http.api.contract_checks import LintFinding
from bus.http.api.contracts import Body
from bus.http.api.preconditions import IfMatch
from bus.http.conditional import matches
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.openapi_parts import refer_headers
from bus.http.path_parameters import AdapterName, Version
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_page
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1/adapters", tags=["Adapters"], route_class=Authorised)

_TAGGED: Final = {"headers": refer_headers("ETag")}
_TAKES_DOCUMENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"type": "object", "description": "an adapter document"}}
            for media_type in ("application/json", "application/yaml")
        },
    }
}

Reader = Annotated[Principal, Depends(caller(Scope.CONTRACTS_READ))]
Drafter = Annotated[Actor, Depends(acting(Scope.CONTRACTS_WRITE, Verb.ADAPTER_DRAFT))]


class AdapterMoveDetail(BaseModel):
    """One step in the life of an adapter's version."""

    state: State
    at: datetime
    by: str
    client_id: str | None = Field(
        description="the client, for the document's owner and the operator; `command line`: on the bus's machine; null: not kept"
    )


class AdapterVersionSummary(BaseModel):
    """Where a version of an adapter is in its life, since when and by whom."""

    version: str
    state: State
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


class AdapterSummary(BaseModel):
    """An adapter with its versions, lowest first."""

    adapter: str
    title: str = Field(description="of the active version; while there is none, of the highest")
    owner: str = Field(description="of the active version; while there is none, of the highest")
    current: str | None = Field(description="the active version; null: none is active")
    off: str | None = Field(description="why the adapter does not serve, and what the operator does; null: it serves")
    versions: list[AdapterVersionSummary]


class AdapterList(BaseModel):
    """A page of adapters in order of name."""

    adapters: list[AdapterSummary]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class AdapterVersionHistory(AdapterVersionSummary):
    """A version of an adapter with its history."""

    adapter: str
    title: str
    owner: str
    history: list[AdapterMoveDetail]


class AdapterVersionDetail(AdapterVersionHistory):
    """A version of an adapter with its document, its history, and what its last check found."""

    lint: list[LintFinding]
    document: dict[str, Any]


@router.get("", response_model=AdapterList)
def list_adapters(rooms: TheRooms, caller: Reader, limit: Limit = 100, after: After = "") -> Response:
    """The registered adapter documents, drafts included. Installed adapters that are written in Python are not among them."""
    page = rooms.adapters.registrar.list_page(limit + 1, read_name(after, Listing.ADAPTERS))
    following = write_next_name(Listing.ADAPTERS, "", [one[0].name for one in page], limit)
    return write_page(AdapterList(adapters=[_summarise(rooms, one) for one in page[:limit]], next=following))


@router.post(
    "",
    status_code=201,
    response_model=AdapterVersionDetail,
    responses={201: {"headers": refer_headers("Location", "ETag")}, 409: {}, 422: {}},
    openapi_extra=_TAKES_DOCUMENT,
)
async def register_adapter(rooms: TheRooms, by: Drafter, tags: IfMatch, body: Body) -> Response:
    """Register a version as a draft, from an adapter document in YAML or JSON.

    `lint` of the answer says what is wrong with it. A draft may be sent again until it is active. Only the owner that the
    document names, or the operator, registers it. The document holds no secret: it names them, and the operator gives the values.
    """
    text = await rooms.heavy.run(read_adapter, body, who=by.participant)
    draft = await asyncio.to_thread(lambda: make_draft(json.loads(text)))
    rooms.adapters.registrar.check_name(draft.name)
    judged = await rooms.judge.judge(draft, by.participant)
    # One at a time: those that are counted together would be too many together.
    async with rooms.limits.get(by.participant).adding:
        return await asyncio.to_thread(_register, rooms, draft, judged, by, tags)


def _register(rooms: Rooms, draft: Draft, judged: Judgement, by: Actor, tags: Tags) -> Response:
    registrar = rooms.adapters.registrar
    if not by.is_operator:
        allowance = rooms.limits.get(by.participant)
        holding = registrar.measure_holding(by.participant, draft)
        allowance.check_number(limits.Limit.DRAFTS, holding.drafts)
        allowance.check_number(limits.Limit.CONTRACTS, holding.versions)
        allowance.check_number(limits.Limit.CONTRACT_BYTES, holding.bytes + len(draft.text))
    registered = registrar.add_draft(draft, judged, by, tags)
    answer = write_version(registered, by, 201)
    answer.headers["Location"] = f"{router.prefix}/{registered.name}/versions/{registered.version}"
    return answer


@router.get("/{name}", response_model=AdapterSummary)
def read_registered_adapter(rooms: TheRooms, caller: Reader, name: AdapterName) -> Response:
    """An adapter: its versions, and whether it serves."""
    return write_page(_summarise(rooms, rooms.adapters.registrar.read_versions(name)))


@router.get(
    "/{name}/versions/{version}",
    response_model=AdapterVersionDetail,
    responses={200: _TAGGED, 304: {"description": "It is still the one that `If-None-Match` names", **_TAGGED}},
)
def read_adapter_version(
    request: Request, rooms: TheRooms, caller: Reader, name: AdapterName, version: Version
) -> Response:
    """One version with its document, its history and its lint; its ETag is what a change of it gives as If-Match."""
    registered = rooms.adapters.registrar.read_version(name, version)
    if matches(request.headers.get("if-none-match", ""), _write_tag(registered)):
        return Response(status_code=304, headers={"ETag": _write_tag(registered)})
    return write_version(registered, caller)


def write_version(registered: RegisteredAdapter, caller: Actor | Principal, status: int = 200) -> Response:
    """The answer that shows a version, as an `AdapterVersionDetail`, with the version's tag as its ETag.

    Args:
        registered: the version.
        caller: sees the clients in the history where it is the owner or the operator.
        status: of the answer.
    """
    answers = caller.is_operator or caller.participant == registered.owner
    told = AdapterVersionHistory(
        **_list_life(registered),
        adapter=registered.name,
        title=registered.title,
        owner=registered.owner,
        history=[_write_move(move, shows_client=answers) for move in registered.history],
    )
    # As it is stored: to unpack a large document and to write it again would keep others waiting.
    text = told.model_dump_json().encode().removesuffix(b"}")
    text += b',"lint":' + registered.findings + b',"document":' + registered.text + b"}"
    headers = {"ETag": _write_tag(registered), "Cache-Control": "private, no-cache"}
    return Response(text, status, headers, media_type="application/json")


def _write_tag(registered: RegisteredAdapter) -> str:
    return f'"{registered.tag}"'


def _write_move(move: AdapterMove, *, shows_client: bool) -> AdapterMoveDetail:
    client = move.client_id if shows_client else None
    return AdapterMoveDetail(state=move.state, at=clock.moment(move.at), by=move.by, client_id=client)


def _list_life(registered: RegisteredAdapter) -> dict[str, Any]:
    return {
        "version": registered.version,
        "state": registered.state,
        "created_at": clock.moment(registered.created_at),
        "created_by": registered.created_by,
        "changed_at": clock.moment(registered.changed_at),
        "changed_by": registered.changed_by,
    }


def _explain_off(rooms: Rooms, shown: RegisteredAdapter) -> str | None:
    if shown.state is not State.ACTIVE:
        return f"No version of the adapter {shown.name} is active; activate one."
    return None if rooms.agencies.is_serving(shown.name) else rooms.agencies.explain_off(shown.name)


def _summarise(rooms: Rooms, versions: list[RegisteredAdapter]) -> AdapterSummary:
    active = next((one for one in versions if one.state is State.ACTIVE), None)
    shown = active or versions[-1]
    return AdapterSummary(
        adapter=shown.name,
        title=shown.title,
        owner=shown.owner,
        current=active.version if active else None,
        off=_explain_off(rooms, shown),
        versions=[AdapterVersionSummary(**_list_life(one)) for one in versions],
    )
