"""Journal: the append-only table of accepted events, the truth."""

from bus.journal.append import Appender, EventConflict, Overloaded, Receipt, Submission
from bus.journal.projection import Persons, Projection
from bus.journal.read import Entry, JournalReader, entries_at, lengths_at
from bus.journal.tail import Tail

__all__ = [
    "Appender",
    "Entry",
    "EventConflict",
    "JournalReader",
    "Overloaded",
    "Persons",
    "Projection",
    "Receipt",
    "Submission",
    "Tail",
    "entries_at",
    "lengths_at",
]
