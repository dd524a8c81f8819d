"""The agency sink: hands events to an operation of an agency's adapter."""

import asyncio
from collections.abc import Sequence

import structlog

from bus.kit import AgencyFault, Deliver, Event, Failure, Operation, Outcome

log = structlog.get_logger(__name__)

LONGEST_SECONDS = 45.0
"""The most seconds of one call of an adapter, whatever its own time-outs are. Half a lease, if that is less."""


async def deliver(adapter: Deliver, operation: Operation, events: Sequence[Event], seconds: float) -> Sequence[Outcome]:
    """Have an adapter deliver events. Returns one outcome for each event within `seconds`, whatever the adapter does."""
    try:
        async with asyncio.timeout(seconds):
            outcomes = await adapter.deliver(operation.name, events)
    except AgencyFault as fault:
        return [fault.to_outcome()] * len(events)
    except TimeoutError:
        return [Outcome(Failure.TRANSIENT, f"the agency did not answer within {seconds:.0f} s")] * len(events)
    except Exception as error:  # noqa: BLE001 - an adapter's own defect must not stop the other sinks
        log.error("adapter.defect", operation=operation.name, error=type(error).__name__)
        return [Outcome(Failure.TRANSIENT, f"the adapter failed: {type(error).__name__}")] * len(events)
    return outcomes
