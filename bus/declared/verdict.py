"""The verdict: whether an answer is a success, and which failure it is otherwise."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from bus.clock import now
from bus.declared.document import Rule
from bus.declared.mapper import ExpressionResult, JudgedAnswer
from bus.kit import AgencyFault, Failure, make_status_fault, read_next_access, read_retry_after

FAILURES: Final[Mapping[str, Failure]] = {
    "transient": Failure.TRANSIENT,
    "permanent": Failure.PERMANENT,
    "sink_down": Failure.SINK_DOWN,
}
"""A document's word to the failure that it means."""
_LONGEST_QUOTE: Final = 200
_LONGEST_WAIT: Final = 24 * 3600.0


def find_fault(
    agency: str, response: httpx.Response, judged: JudgedAnswer, rules: Sequence[Rule]
) -> AgencyFault | None:
    """The fault that an answer is; None for a success.

    An answer that fits no rule is judged by its status. If some rule means success, a 2xx that fits no rule is transient: what
    nobody knows is no success.

    Args:
        agency: the agency's name in the fault.
        rules: the rules by which the answer was judged.
    """
    rule = judged.rule
    if rule is None:
        if not response.is_success:
            return make_status_fault(agency, response)
        if any(one.means == "success" for one in rules):
            what = "neither success nor failure" if judged.is_json else "something that is not JSON"
            return AgencyFault(Failure.TRANSIENT, f"{agency} answers {what}", status=response.status_code)
        return None
    if rule.means == "success":
        return None
    detail = f"{agency}: {rule.says or 'the request failed'}"
    if isinstance(judged.quotes.value, str):
        detail = f"{detail}: {judged.quotes.value[:_LONGEST_QUOTE]}"
    wait = read_wait(judged.retry_after) or read_retry_after(response.headers.get("retry-after"), now())
    return AgencyFault(FAILURES[rule.means], detail, retry_after=wait, status=response.status_code)


def read_wait(found: ExpressionResult) -> float | None:
    """Seconds to wait, from a number, or from a text in one of the forms that agencies use."""
    value = found.value
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return min(max(float(value), 0.0), _LONGEST_WAIT)
    if isinstance(value, str):
        at = now()
        # Few digits are seconds to wait, and many are a moment.
        return read_retry_after(value, at) if len(value.strip()) < 8 else read_next_access(value, at)
    return None
