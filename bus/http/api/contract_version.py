"""A contract version as the API shows it, with the tag that names its state."""

from datetime import date, datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from bus import clock
from bus.actions import Actor
from bus.contracts import Catalogue, ListedVersion, Move, RegisteredVersion, State
from bus.identity import Principal


class MoveDetail(BaseModel):
    """One step in a version's life."""

    state: State
    at: datetime
    by: str
    client_id: str | None = Field(
        description="the client, for the contract's owner and the operator; `command line`: on the bus's machine; null: not kept"
    )
    adapters: list[str] = Field(description="operations for which the step is the word of the adapter's owner")
    accepted_undecided: bool = Field(
        description="the operator put it in force though it could not be decided what it breaks"
    )


class VersionSummary(BaseModel):
    """Where a version is in its life, since when and by whom."""

    version: str
    state: State
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    sunset: date | None = Field(description="of a deprecated version: the day after which its owner means to retire it")


class VersionHistory(VersionSummary):
    """A version with its history."""

    contract: str
    history: list[MoveDetail]


class VersionDetail(VersionHistory):
    """A version with its document, self-contained, and its history."""

    document: dict[str, Any]


def version_summary(standing: ListedVersion) -> VersionSummary:
    """The version without its document."""
    return VersionSummary(**_life(standing.version, standing))


def version_answer(
    catalogue: Catalogue, registered: RegisteredVersion, caller: Actor | Principal, status: int = 200
) -> Response:
    """The answer that shows a version, as a `VersionDetail`, with the version's tag as its ETag.

    Synchronous: call it from threads.

    Args:
        catalogue: knows the version's owner.
        registered: the version.
        caller: sees the clients in the history where it is the owner or the operator.
        status: of the answer.
    """
    answers = caller.is_operator or caller.participant == catalogue.registrar.listing.get_heading(registered).owner
    told = VersionHistory(
        **_life(registered.version, registered),
        contract=registered.name,
        history=[_move(move, shows_client=answers) for move in registered.steps],
    )
    # As it is stored: to unpack a large document and to write it again would keep others waiting.
    text = told.model_dump_json().encode().removesuffix(b"}") + b',"document":' + registered.text + b"}"
    headers = {"ETag": etag(registered), "Cache-Control": "private, no-cache"}
    return Response(text, status, headers, media_type="application/json")


def _move(move: Move, *, shows_client: bool) -> MoveDetail:
    return MoveDetail(
        state=move.state,
        at=clock.moment(move.at),
        by=move.by,
        client_id=move.client_id if shows_client else None,
        adapters=list(move.adapters),
        accepted_undecided=move.accepted_undecided,
    )


def etag(registered: RegisteredVersion) -> str:
    """The version's tag as a strong entity tag (RFC 9110, section 8.8.3)."""
    return f'"{registered.tag}"'


def _life(version: str, standing: RegisteredVersion | ListedVersion) -> dict[str, Any]:
    return {
        "version": version,
        "state": standing.state,
        "created_at": clock.moment(standing.created_at),
        "created_by": standing.created_by,
        "changed_at": clock.moment(standing.changed_at),
        "changed_by": standing.changed_by,
        "sunset": standing.sunset,
    }
