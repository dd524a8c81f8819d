"""Journal: the append-only table of accepted events, the truth.

What the room offers:

- Reading a request's text: `parse`, `parse_batch` and the `check_…` functions beside them; `…_apart` in a worker process.
- The gate: `Gate` makes an event a `Submission`, or refuses it. `try_data` takes data through it and stores nothing.
- The append: `Appender` gives a `Receipt` for each submission. A `Beside` writes in the same transaction.
- Reading: `JournalReader` gives `Entry`s and `Lines`, and a `RecordState`. `Tail` waits for the next event in a `Sight`.
- Views: `apply_view` shows an entry as a consumer may see it. `History` and `Walk` find earlier events of its record.
- Epochs: `Epochs` tells places of one restore from those of another. `begin_epoch` begins one.
- Counts: `count_accepted` counts events by minute, contract and sender. `find_origins` tells whose single events are.
- Retention: `Retention` deletes old events in steps. A `Horizon` says from where on a contract's events are whole.
- Tables beside the journal: `Projection` keeps them up to date; `Persons` finds the events about a person.
- `ValueIndex` keeps the index by which `JournalReader.choose_records` finds records.
"""

from bus.journal.apart import (
    LARGE,
    check_apart,
    find_in_data_apart,
    read_attributes_apart,
    read_batch_apart,
    read_event_apart,
)
from bus.journal.append import Appender, EventConflict, Receipt, Submission
from bus.journal.audience import Sight
from bus.journal.beside import Beside, NothingBeside, Take, select_entries
from bus.journal.checking import Findings, UncheckedEvent
from bus.journal.counts import MINUTE, AcceptedCount, Origin, count_accepted, find_origins
from bus.journal.entries import (
    Entry,
    EventsDeleted,
    Stretch,
    contracts_at,
    entries_at,
    hold_event,
    lengths_at,
    versions_at,
)
from bus.journal.envelope import is_json_type
from bus.journal.epochs import TOPIC as EPOCHS
from bus.journal.epochs import Epochs, begin_epoch, join_place, split_place
from bus.journal.gate import Gate, check_media
from bus.journal.history import History
from bus.journal.horizon import Horizon
from bus.journal.incoming import (
    ChangedNumbers,
    EventMalformed,
    IncomingEvent,
    check_batch,
    check_members,
    check_text,
    find_numbers_in_batch,
    is_deeper,
    parse,
    parse_batch,
    refuse_depth,
)
from bus.journal.lines import Lines
from bus.journal.projection import Persons, Projection
from bus.journal.read import JournalReader, PlacedEvent
from bus.journal.retention import Retention
from bus.journal.state import RecordState
from bus.journal.statements import MOST_BYTES, Row
from bus.journal.tail import Tail
from bus.journal.trial import try_data
from bus.journal.value_index import ValueIndex
from bus.journal.viewed import FindBefore, Walk, apply_view, departure, standing, viewed_document

__all__ = [
    "EPOCHS",
    "LARGE",
    "MINUTE",
    "MOST_BYTES",
    "AcceptedCount",
    "Appender",
    "Beside",
    "ChangedNumbers",
    "Entry",
    "Epochs",
    "EventConflict",
    "EventMalformed",
    "EventsDeleted",
    "FindBefore",
    "Findings",
    "Gate",
    "History",
    "Horizon",
    "IncomingEvent",
    "JournalReader",
    "Lines",
    "NothingBeside",
    "Origin",
    "Persons",
    "PlacedEvent",
    "Projection",
    "Receipt",
    "RecordState",
    "Retention",
    "Row",
    "Sight",
    "Stretch",
    "Submission",
    "Tail",
    "Take",
    "UncheckedEvent",
    "ValueIndex",
    "Walk",
    "apply_view",
    "begin_epoch",
    "check_apart",
    "check_batch",
    "check_media",
    "check_members",
    "check_text",
    "contracts_at",
    "count_accepted",
    "departure",
    "entries_at",
    "find_in_data_apart",
    "find_numbers_in_batch",
    "find_origins",
    "hold_event",
    "is_deeper",
    "is_json_type",
    "join_place",
    "lengths_at",
    "parse",
    "parse_batch",
    "read_attributes_apart",
    "read_batch_apart",
    "read_event_apart",
    "refuse_depth",
    "select_entries",
    "split_place",
    "standing",
    "try_data",
    "versions_at",
    "viewed_document",
]
