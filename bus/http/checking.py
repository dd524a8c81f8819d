"""The check of a contract document, before anything is stored. The API and the console offer it."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from bus import json
from bus.agencies import list_mapped_fields, list_names, make_bindings
from bus.contracts import check_contract, read_check, restore_contract, write_bindings
from bus.http.rooms import Rooms

_PAGE: Final = 1000


async def check_text(rooms: Rooms, body: bytes, participant: str, *, is_operator: bool) -> bytes:
    """What lint and compatibility say of a document, whom it would touch, and what it newly grants, as JSON.

    Args:
        body: the document in YAML or JSON, or `{document, against}`; see `read_check`.
        participant: who asks. Only the contract's owner and the operator learn who subscribed.

    Raises:
        DocumentInvalid: a document to compare with is no contract.
    """
    read = await rooms.heavy.run(read_check, body, who=participant)
    asked, answer = await asyncio.to_thread(_ask, rooms, read, participant, is_operator=is_operator)
    return answer or await rooms.heavy.run(check_contract, asked, who=participant)


def _ask(rooms: Rooms, read: bytes, participant: str, *, is_operator: bool) -> tuple[bytes, bytes]:
    """What the check has to know, as `check_contract` takes it; or the answer, where there is nothing to ask."""
    given = json.loads(read)
    if "answer" in given:
        return b"", json.dumps(given["answer"])
    if given["against"] is None:
        standing = rooms.catalogue.registrar.read_active(given["document"]["contract"])
    else:
        standing = [restore_contract(one) for one in given["against"]]
    names = {one.name for one in standing}
    in_force = rooms.adapters.in_force
    bindings = make_bindings(rooms.settings.adapters, declared=lambda: in_force)
    mapped = list_mapped_fields(declared=lambda: in_force)
    asked = {
        "document": given["document"],
        "against": [one.document for one in standing],
        "adapters": list_names(lambda: in_force),
        "participants": list(_list_participants(rooms)),
        "bindings": write_bindings(restore_contract(given["document"]), bindings),
        "mappings": [[use.adapter, use.operation, fields] for use, fields in mapped.items()],
        "subscriptions": {
            name: _list_standing(rooms, name) for name in names if is_operator or _owns(rooms, participant, name)
        },
    }
    return json.dumps(asked), b""


def _owns(rooms: Rooms, participant: str, name: str) -> bool:
    """Whether a participant owns a contract. The register says so, and not the participant's own document."""
    return participant in {one.owner for one in rooms.catalogue.registrar.read_active(name)[-1:]}


def _list_standing(rooms: Rooms, name: str) -> list[tuple[Any, ...]]:
    return [
        (subscription.participant, subscription.filters, subscription.ordered_by)
        for subscription in rooms.subscriptions.all()
        if name in subscription.contracts
    ]


def _list_participants(rooms: Rooms) -> Iterator[str]:
    after = ""
    while page := rooms.participants.list_page(_PAGE, after):
        after = page[-1].name
        yield from (participant.name for participant in page)
