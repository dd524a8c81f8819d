"""Trying data out: takes an event with these data through the gate, and stores nothing."""

from typing import Any, Final

from bus.contracts import ContractVersion, NumberChanged
from bus.heavy import Heavy
from bus.journal.apart import check_apart, read_event_apart
from bus.journal.checking import UncheckedEvent
from bus.journal.gate import DataInvalid, EventTooLarge, Gate, check_size
from bus.journal.incoming import EventMalformed
from bus.problem import FieldError, Invalid, Refused

_PREFIX: Final = "/data"


async def try_data(
    gate: Gate, heavy: Heavy, version: ContractVersion, text: bytes, levels: int, who: str
) -> list[FieldError]:
    """Why an event with these data would be refused, with pointers into the data; empty: it would be accepted.

    Args:
        version: of an event or record contract, in whatever state.
        text: the data as JSON.
        levels: how deep an event may be nested.
        who: the participant on whose share the data are checked.

    Raises:
        Invalid: the text is not JSON, is nested too deep, or has a member twice.
        TooHeavy: to check the data takes too long.
    """
    attributes: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/", "type": version.contract.name}
    try:
        event, body = await read_event_apart(heavy, text, attributes, levels, who, is_data=True)
    except NumberChanged as refusal:
        return _point_into_data(refusal)
    except EventMalformed as refusal:
        raise Invalid(refusal.detail, errors=_point_into_data(refusal)) from None
    if version.is_record and event["data"] is None:
        # The deletion of a record: only `subject` holds its key.
        event = {**event, "subject": "1"}
    try:
        check_size(body, version)
        await check_apart(gate, heavy, UncheckedEvent(event, body, version, who))
    except (DataInvalid, EventMalformed, EventTooLarge) as refusal:
        return _point_into_data(refusal)
    return []


def _point_into_data(refusal: Refused) -> list[FieldError]:
    errors = refusal.errors or (FieldError("", refusal.detail),)
    return [FieldError(error.pointer.removeprefix(_PREFIX), error.detail, error.rule) for error in errors]
