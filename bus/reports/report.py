"""A report: a table with a title, and facts that say of what it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from bus import json


class Column(NamedTuple):
    """A column of a report.

    Attributes:
        weight: its width beside the widths of the others.
    """

    name: str
    weight: int = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A table for people.

    Attributes:
        facts: what the table is of, who made it, and when: labels and texts.
        remark: stands below the table; empty: nothing does.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    remark: str = ""

    def pack(self) -> bytes:
        """The report as the argument of `write_pdf`."""
        return json.dumps(asdict(self) | {"columns": [list(column) for column in self.columns]})


def unpack_report(packed: bytes) -> Report:
    """The report that `Report.pack` packed."""
    given = json.loads(packed)
    columns = [Column(*one) for one in given["columns"]]
    facts = [(label, text) for label, text in given["facts"]]
    return Report(given["title"], facts, columns, given["rows"], given["remark"])
