"""A contract version as the API shows it, with the tag that names its state."""

from datetime import date, datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from bus import clock
from bus.actions.actor import Actor
from bus.contracts.lifecycle import State
from bus.contracts.listing import ListedVersion
from bus.contracts.registered import RegisteredVersion
from bus.identity.tokens import Principal


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


class VersionDetail(VersionSummary):
    """A version with its document, self-contained, and its history."""

    contract: str
    history: list[MoveDetail]
    document: dict[str, Any]


def version_summary(version: ListedVersion) -> VersionSummary:
    """The version without its document."""
    return VersionSummary(**_life(version.version, version))


def version_detail(
    registered: RegisteredVersion, response: Response | None, caller: Actor | Principal
) -> VersionDetail:
    """The version with its document.

    Args:
        response: gets the version's tag as its ETag.
        caller: sees the clients in the history where it answers for the contract.
    """
    if response is not None:
        response.headers["ETag"] = etag(registered)
        response.headers["Cache-Control"] = "private, no-cache"
    answers = caller.participant == registered.contract.owner or caller.is_operator
    moves = [
        MoveDetail(
            state=move.state,
            at=clock.moment(move.at),
            by=move.by,
            client_id=move.client_id if answers else None,
            adapters=list(move.adapters),
            accepted_undecided=move.accepted_undecided,
        )
        for move in registered.steps
    ]
    contract = registered.contract
    return VersionDetail(
        **_life(contract.version, registered), contract=contract.name, history=moves, document=contract.document
    )


def etag(registered: RegisteredVersion) -> str:
    """The version's tag as a strong entity tag (RFC 9110, section 8.8.3)."""
    return f'"{registered.tag}"'


def _life(version: str, told: RegisteredVersion | ListedVersion) -> dict[str, Any]:
    return {
        "version": version,
        "state": told.state,
        "created_at": clock.moment(told.created_at),
        "created_by": told.created_by,
        "changed_at": clock.moment(told.changed_at),
        "changed_by": told.changed_by,
        "sunset": told.sunset,
    }
