"""Hak akses: what the participant may send and get, why, until when, which fields, and masked how."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from typing import Annotated, Final

from babel.dates import format_date
from fastapi import Query, Request, Response

from bus import clock
from bus.console.owning import Owner, participant_of
from bus.console.page import page_router
from bus.console.render import show, words_of
from bus.console.words import Words
from bus.contracts import Access, Catalogue, Contract, Mask, Suspension, describe_access

router = page_router()

_PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Right:
    """What a participant may do under one contract.

    Attributes:
        contract: the newest version that names the participant.
        sends: it may send.
        access: what it gets; None: nothing.
        suspension: why it gets nothing now; None: its grant is not suspended.
    """

    contract: Contract
    sends: bool
    access: Access | None
    suspension: Suspension | None


@router.get("/konsol/hak-akses")
async def read_access(request: Request, visit: Owner, setelah: Annotated[str, Query(max_length=255)] = "") -> Response:
    """The contracts that name the participant, by name."""
    participant = participant_of(visit)
    found = await asyncio.to_thread(_find, visit.rooms.catalogue, participant, setelah)
    shown = found[:_PAGE]
    return show(
        request,
        "hak_akses.html",
        rights=shown,
        following=shown[-1].contract.name if len(found) > _PAGE else "",
        masks=tell_masks(words_of(request)),
        day=partial(_tell_day, words_of(request)),
    )


def tell_masks(words: Words) -> dict[Mask, str]:
    """What each mask shows."""
    say = words.say
    return {
        Mask.REDACT: say("disembunyikan"),
        Mask.LAST4: say("empat huruf terakhir"),
        Mask.YEAR: say("tahunnya saja"),
        Mask.PSEUDONYM: say("nomor samaran"),
    }


def _tell_day(words: Words, day: date | None) -> str:
    return words.say("tanpa batas") if day is None else format_date(day, "d MMM y", locale=words.language)


def _find(catalogue: Catalogue, participant: str, after: str) -> list[Right]:
    return list(islice(_walk(catalogue, participant, after), _PAGE + 1))


def _walk(catalogue: Catalogue, participant: str, after: str) -> Iterator[Right]:
    today = clock.today()
    for name, versions in catalogue.walk_contracts(after, participant):
        naming = [one for one in versions if participant in one.producers or one.grant(participant) is not None]
        if naming:
            newest = naming[-1]
            access = describe_access(newest, today, participant)
            suspension = catalogue.find_suspension(name, participant)
            yield Right(newest, participant in newest.producers, access[0] if access else None, suspension)
