"""The status as a document: the same members over HTTP and in `bus status --json`."""

from typing import Any

from bus.agencies import PollFailure
from bus.delivery import AgencySink, Health, Sink, Webhook
from bus.status.agency import AgencyState
from bus.status.state import BusState, PollState, ProducerState, Status, SubscriberState


def describe_status(status: Status) -> dict[str, Any]:
    """The members of the document; moments are `datetime`s."""
    return {
        "at": status.at,
        "version": status.version,
        "bus": None if status.bus is None else _describe_bus(status.bus),
        "subscribers": [_describe_subscriber(one) for one in status.subscribers],
        "agencies": [_describe_poll(one) for one in status.polls],
        "agency_states": [_describe_agency(one) for one in status.agencies],
        "pauses": [
            {
                "agency": one.agency,
                "operation": one.operation,
                "reason": one.reason,
                "by": one.by,
                "since": one.since,
            }
            for one in status.pauses
        ],
        "producers": [_describe_producer(one) for one in status.producers],
        "refused": [
            {
                "participant": one.participant,
                "contract": one.contract or None,
                "events": one.events,
                "last_at": one.last_at,
            }
            for one in status.refused
        ],
    }


def name_sink(sink: Sink) -> str:
    """A sink's host, or the agency's operation: never a whole address, which may hold a secret."""
    if isinstance(sink, Webhook):
        return sink.host
    return f"{sink.adapter}/{sink.operation}" if isinstance(sink, AgencySink) else "pull"


def _describe_bus(state: BusState) -> dict[str, Any]:
    return {
        "position": state.position,
        "relay_events": state.lag.events,
        "relay_seconds": state.lag.seconds,
        "disk_free": state.disk_free,
        "disk_total": state.disk_total,
        "processes": [{"process": one.process, "roles": list(one.roles)} for one in state.living],
        "unattended": list(state.unattended),
    }


def _describe_subscriber(state: SubscriberState) -> dict[str, Any]:
    health, subscription = state.health, state.subscription
    failure = _describe_failure(health)
    return {
        "subscription": subscription.id,
        "participant": subscription.participant,
        "contracts": list(subscription.contracts),
        "sink": name_sink(subscription.sink),
        "state": subscription.state.value,
        "pending": state.pending,
        "dead": state.dead,
        "waiting_since": state.waiting_since,
        "circuit": "closed" if health.circuit_since is None else "open",
        "circuit_since": health.circuit_since,
        "next_try": health.circuit_until,
        "last_success": health.succeeded_at,
        "last_failure": None if health.failed_at is None else failure,
        "failing_since": health.failing_since,
        "suspended": list(state.suspended),
        "ungranted": list(state.ungranted),
        "troubled": state.is_troubled,
    }


def _describe_poll(state: PollState) -> dict[str, Any]:
    report = state.report
    return {
        "agency": report.poll.adapter,
        "operation": report.poll.operation,
        "polled_at": report.polled_at,
        "set_aside": report.set_aside,
        "held": sum(one.deletions for one in report.held if one.released is None),
        "last_failure": None if report.failure is None else describe_poll_failure(report.failure),
        "troubled": state.is_troubled,
    }


def describe_poll_failure(failure: PollFailure) -> dict[str, Any]:
    """The members of a poll's last failure; moments are `datetime`s."""
    return {
        "kind": failure.kind.value,
        "detail": failure.detail,
        "at": failure.at,
        "since": failure.since,
        "in_a_row": failure.in_a_row,
    }


def _describe_agency(state: AgencyState) -> dict[str, Any]:
    known, failed = state.known, state.last_failure
    return {
        "agency": known.name,
        "state": state.standing.value,
        "why": state.why,
        "since": None if state.pause is None or known.off is not None else state.pause.since,
        "last_success": state.last_success,
        "last_failure": None
        if failed is None
        else {"at": failed.at, "failure": failed.failure, "status": failed.status, "detail": failed.detail},
        "delivery_circuit": name_circuit(is_open=state.is_delivery_open if state.sinks else None),
        "question_circuit": name_circuit(is_open=known.is_left_in_peace),
        "quota_daily": known.quota_daily,
        "quota_left": known.quota_left,
        "held_polls": state.held,
        "set_aside": state.set_aside,
        "troubled": state.is_troubled,
    }


def _describe_failure(health: Health) -> dict[str, Any]:
    return {"at": health.failed_at, "failure": health.failure, "status": health.status, "detail": health.detail}


def name_circuit(*, is_open: bool | None) -> str | None:
    """Open or closed; None if nobody knows."""
    return None if is_open is None else "open" if is_open else "closed"


def _describe_producer(state: ProducerState) -> dict[str, Any]:
    return {
        "contract": state.contract,
        "participant": state.participant,
        "last_event": state.last_event,
        "fresh_hours": state.fresh_hours,
        "silent": list(state.silent),
    }
