"""What a contract and a grant must be for a question about records."""

from bus.contracts import Kind
from bus.http.page import Reading
from bus.problem import Forbidden, NotFound


class NotRecords(NotFound):
    """The contract is not of the kind record, so it has no records."""

    slug = "not-records"


class RecordUnknown(NotFound):
    """There is no such record that you may see."""

    slug = "record-unknown"


class KeyHidden(Forbidden):
    """Your grant does not show the records' keys, so you may not ask by key; read the list."""

    slug = "key-hidden"


def check_kind(reading: Reading) -> None:
    """Refuse a contract that has no records."""
    kind = reading.version.contract.kind
    if kind is not Kind.RECORD:
        raise NotRecords(f"{reading.contract} is of the kind {kind.value}; see its feed.")


def check_key_is_shown(reading: Reading) -> None:
    """Refuse a caller that sees no keys. Call it in a thread: it may make views."""
    check_kind(reading)
    if not any(view.can_look_up_by_key for view in reading.views()):
        raise KeyHidden(f"Your grant in {reading.contract} masks or leaves out the key.")
