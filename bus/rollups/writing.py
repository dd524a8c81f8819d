"""Writing: adds counts to the minutes and hours, in the caller's transaction.

Rows are written in one order, the minutes before the hours. So two writers cannot wait for each other.
"""

from collections.abc import Iterable, Mapping, Sequence

from bus.rollups import statements
from bus.rollups.flow import Counts, Flow, Span
from bus.storage import Transaction


def number_flows(transaction: Transaction, flows: Iterable[Flow], known: Mapping[Flow, int]) -> dict[Flow, int]:
    """The numbers of flows: those that are known, and others from the database, which gets those that it lacks."""
    numbers = dict(known)
    for flow in sorted(set(flows) - numbers.keys()):
        numbers[flow] = _number_flow(transaction, flow)
    return numbers


def _number_flow(transaction: Transaction, flow: Flow) -> int:
    named = flow._asdict()
    found = transaction.value(statements.FIND_FLOW, named)
    if found is None:
        transaction.execute(statements.ADD_FLOW, named)
        found = transaction.value(statements.FIND_FLOW, named)
    return int(found)


def add_counts(
    transaction: Transaction, span: Span, counts: Mapping[tuple[int, Flow], Counts], numbers: Mapping[Flow, int]
) -> None:
    """Add counts, which are by the span's number since 1970 and by flow."""
    rows: Sequence[tuple[int, ...]] = sorted(
        (at, numbers[flow], *(getattr(one, name) for name in statements.COLUMNS)) for (at, flow), one in counts.items()
    )
    if rows:
        transaction.insert(statements.ADD[span], rows)
