"""Reading and checking events apart from the event loop: in worker processes, on the share of their sender."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from bus import json
from bus.contracts import ContractVersion
from bus.heavy import Heavy
from bus.journal.append import Submission
from bus.journal.checking import NOTHING_FOUND, Findings, UncheckedEvent, check_data, read_findings
from bus.journal.gate import Gate
from bus.journal.incoming import ChangedNumbers, read_attributes, read_batch, read_event

LARGE: Final = 32 * 1024
"""Bytes of the largest event that the event loop reads itself. A hostile one of this size takes some milliseconds."""


async def read_event_apart(
    heavy: Heavy, text: bytes, header_attributes: dict[str, Any], levels: int, who: str, *, is_data: bool
) -> tuple[dict[str, Any], bytes]:
    """The attributes of an event, and its body.

    Args:
        header_attributes: the attributes that the request's header fields have.
        levels: how deep the text may be nested.
        is_data: the text is the data alone.

    Raises:
        EventMalformed: it is no JSON object, is nested too deep, or has a member twice.
        NumberChanged: a number would not come back with the same value.
    """
    form = b"data" if is_data else b"event"
    answer = await heavy.run(read_event, text, b"%d" % levels, json.dumps(header_attributes), form, who=who)
    attributes, _, body = answer.partition(b"\n")
    return json.loads(attributes), body


async def read_batch_apart(
    heavy: Heavy, text: bytes, levels: int, most: int, who: str
) -> tuple[list[bytes], ChangedNumbers]:
    """The bodies of a batch's events, and their numbers that the bus would change. Raises what `read_batch` raises."""
    answer = await heavy.run(read_batch, text, b"%d" % levels, b"%d" % most, who=who)
    changed, *bodies = answer.split(b"\n")
    return bodies, dict(json.loads(changed))


async def read_attributes_apart(heavy: Heavy, bodies: Sequence[bytes], who: str) -> list[Any]:
    """The attributes of events. Raises what `read_attributes` raises."""
    answer = await heavy.run(read_attributes, b"\n".join(bodies), who=who)
    return [json.loads(attributes) for attributes in answer.split(b"\n")]


async def check_apart(gate: Gate, heavy: Heavy, event: UncheckedEvent) -> Submission:
    """The submission that an event becomes. Raises what `Gate.admit` and `Heavy.run` raise."""
    (findings,) = await find_in_data_apart(heavy, event.version, [event])
    return gate.accept(event, findings)


async def find_in_data_apart(
    heavy: Heavy, version: ContractVersion, events: Sequence[UncheckedEvent], enough: int = 1
) -> list[Findings]:
    """The findings in the data of events that one sender publishes under one version.

    Args:
        enough: number of errors. After so many errors, each further event gets one error at most.
    """
    contract = version.contract
    about = json.dumps(
        {"key": contract.key, "person": contract.person, "is_personal": version.is_personal, "enough": enough}
    )
    # In a thread: a schema may be a mebibyte, and its first use writes it.
    schema = await asyncio.to_thread(lambda: version.sent_text)
    bodies = b"\n".join([one.body for one in events])
    found = read_findings(await heavy.run(check_data, schema, bodies, about, who=events[0].sender))
    # A record's deletion has no data that could be wrong.
    deletions = [version.is_record and not one.has_data for one in events]
    return [NOTHING_FOUND if gone else one for one, gone in zip(found, deletions, strict=True)]
