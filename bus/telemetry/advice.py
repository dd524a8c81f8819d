"""Advice: what a log line at warning or error means, and what helps, for the person who reads it at night.

One table for all rooms, so that an operator can read it as a whole. `tests/telemetry` holds it complete.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

_LOUD: Final = frozenset({"warning", "error", "critical"})


@dataclass(frozen=True, slots=True)
class Advice:
    """What an event of the log means.

    Attributes:
        what: what happened, and whether anything is lost.
        do: what the operator does.
    """

    what: str
    do: str


_DATABASE: Final = "see whether the database runs and has room: /readyz, `bus doctor`"
_BROKER: Final = "see whether RabbitMQ runs, and whether it has an alarm: `rabbitmqctl status`"
_REPORT: Final = "report this line as an error of the bus"
_WAITS: Final = "nothing; if it goes on for minutes, "

ADVICE: Final = {
    "actions.attempts_not_written": Advice("refused acts are not in the action log yet, and kept", _WAITS + _DATABASE),
    "actions.flush_failed": Advice("counts of refused acts may be missing from the action log", _REPORT),
    "adapter.defect": Advice("the agency's adapter failed by an error of its own; other agencies go on", _REPORT),
    "agency.settings_not_taken": Advice(
        "new settings of an adapter in BUS_SECRETS_DIR are wrong; the adapter goes on with the old ones",
        "mend the file that `detail` names; it is read again within seconds",
    ),
    "adapter.document_unreadable": Advice(
        "this version of the bus cannot read an adapter document in force; that adapter is off, its deliveries wait",
        "register a newer version, or activate an older one: `bus adapter show`, `bus adapter activate`",
    ),
    "adapter.off": Advice(
        "an adapter document is in force, and its settings are missing or wrong; that adapter is off, its deliveries wait",
        "give the settings that the line names, then restart the bus",
    ),
    "adapter.settings_unused": Advice(
        "settings name an adapter that is neither installed nor registered; nothing uses them",
        "mend the name in BUS_ADAPTERS__…, or register the adapter's document",
    ),
    "append.beside_failed": Advice("deliveries were not made with their event; the relay makes them", _REPORT),
    "broker.message_not_understood": Advice(
        "a message in the broker is not of this bus; it was dropped",
        "give each bus a BUS_BROKER_PREFIX of its own, or end processes of an older version",
    ),
    "broker.queue_deleted": Advice(
        "somebody deleted a queue; it is made again and nothing is lost", "find out who did"
    ),
    "broker.run_refused": Advice("the broker takes no deliveries now; they wait in the database", _BROKER),
    "broker.unreachable": Advice("the broker cannot be reached; deliveries wait in the database", _BROKER),
    "changes.database_does_not_answer": Advice("changes of contracts and clients are seen late", _WAITS + _DATABASE),
    "checkpoint.not_made": Advice("the write-ahead log of SQLite grows", _WAITS + _DATABASE),
    "circuit.opened": Advice(
        "a sink fails again and again; its deliveries wait, and the bus tries it from time to time",
        "see `detail`, and `bus answers`; after the mend `bus subscription redrive ID --pending` sends at once",
    ),
    "claims.not_written": Advice("a run of deliveries waits for its lease", _WAITS + _DATABASE),
    "delivery.failed": Advice(
        "a sink did not take an event; `state` says whether it is tried again",
        "if `state` is dead, or it goes on for an hour, tell the participant; then redrive",
    ),
    "disclosures.deletion_not_noted": Advice(
        "old disclosures were deleted, and the action log does not say so", "keep this line; " + _DATABASE
    ),
    "disclosures.not_forgotten": Advice("old disclosures are deleted later", _WAITS + _DATABASE),
    "front_door.not_accepted": Advice("no new connection can be taken", "raise the limit of open files (ulimit -n)"),
    "front_door.not_drained": Advice(
        "the process ended before all requests had their answers; their clients send them again",
        "if it happens often, raise BUS_DRAIN_SECONDS",
    ),
    "group.answer_failed": Advice("an answer after a commit failed; what was committed stays", _REPORT),
    "group.committed_failed": Advice("work after a commit failed; what was committed stays", _REPORT),
    "heartbeat.not_written": Advice("other processes may take this one for dead", _WAITS + _DATABASE),
    "heavy.worker_killed": Advice(
        "a request needed too much memory or time and was refused", "if it goes on, see who sends large documents"
    ),
    "http.answer_not_whole": Advice("an answer broke off, and its connection was closed", _REPORT),
    "http.failed": Advice("a request failed by an error of the bus", _REPORT),
    "http.length_wrong": Advice("an answer had another length than it said", _REPORT),
    "http.unexpected_error": Advice("a request was answered 500", _REPORT),
    "journal.database_does_not_answer": Advice("readers that wait get new events late", _WAITS + _DATABASE),
    "keys.unreadable": Advice(
        "changed keys cannot be read; the process goes on with its own", "correct what `detail` says"
    ),
    "leases.reclaimed": Advice(
        "a process with deliveries under way is dead; others make them", "see why it ended: its last log lines"
    ),
    "limits.not_shared": Advice("processes count limits each for itself", _WAITS + _DATABASE),
    "loop.held": Advice("something held the process up", "see docs/operators.md"),
    "notice.not_sent": Advice(
        "a message to people did not reach its recipient; it is tried again, after an hour at the latest",
        "see `failure`; try `bus notify test`, and check the recipient's address (`bus participant set --contact`)",
    ),
    "notices.not_told": Advice("people are told later of what stands", _WAITS + _DATABASE),
    "outcomes.runs_not_given_back": Advice("some deliveries wait for the end of their lease", _WAITS + _DATABASE),
    "poll.deletions_held": Advice(
        "many rows are gone from an agency's list; their deletions wait",
        "compare the agency's list; if it is right, `bus agency release`",
    ),
    "poll.event_refused": Advice(
        "a row of an agency does not fit its contract, and is set aside", "see GET /v1/refusals; tell the agency"
    ),
    "poll.events_refused": Advice(
        "rows of an agency do not fit their contract, and are set aside", "see GET /v1/refusals; tell the agency"
    ),
    "poll.failed": Advice(
        "a poll of an agency failed; it is tried again, and no row is lost",
        "if it goes on for an hour, check BUS_ADAPTERS__<AGENCY>__… and ask the agency",
    ),
    "poll.unbound": Advice(
        "no contract in force has this poll's data", "put a version in force that `detail` asks for"
    ),
    "process.task_died": Advice(
        "a part of the process ended, so all of it ends", "see that it is started again; " + _REPORT
    ),
    "publish.failed": Advice("events were answered 500; their sender sends them again", _REPORT),
    "pulls.database_does_not_answer": Advice("pulls that wait get events late", _WAITS + _DATABASE),
    "query.job_failed": Advice(
        "a job of questions broke off by an error of the bus; it is tried again, and other jobs go on",
        "if it repeats and `error` is Undecryptable, restore the bus's keys; else report this line",
    ),
    "query.job_question_failed": Advice("a question of a job met an error of the bus; the others go on", _REPORT),
    "query.jobs_wait": Advice("jobs of questions wait; they go on by themselves", _WAITS + _DATABASE),
    "query.circuit_opened": Advice(
        "an agency did not answer several questions in a row; the bus asks it less, and refuses questions meanwhile",
        "see `bus agency list`, and whether the agency or the line to it is away; it is asked again by itself",
    ),
    "query.answer_invalid": Advice(
        "an agency's answer does not fit the contract; nobody got it", "compare the contract with the agency's answers"
    ),
    "query.elements_unfit": Advice(
        "an agency's answer was given without the parts that do not fit", "tell the agency, or the adapter's developer"
    ),
    "query.circuit_not_told": Advice("other processes do not know that an agency is left in peace", _WAITS + _DATABASE),
    "query.ration_not_given_back": Advice("an unused question still counts for today", _WAITS + _DATABASE),
    "refusals.flush_failed": Advice("counts of refused events may be missing", _REPORT),
    "refusals.not_forgotten": Advice("old refusals are deleted later", _WAITS + _DATABASE),
    "refusals.not_written": Advice("refusals are not listed yet, and kept", _WAITS + _DATABASE),
    "relay.database_does_not_answer": Advice("no deliveries are made; events are safe", _DATABASE),
    "relay.not_handed_over": Advice("deliveries were not handed over at once; the relay does it", _REPORT),
    "relay.step_failed": Advice("the relay failed, and tries again; events are safe", _REPORT),
    "subscription.disabled": Advice(
        "a webhook answered 410 Gone; its events wait", "ask the participant, then `bus subscription resume`"
    ),
    "worker.run_failed": Advice("deliveries failed by an error of the bus; they are tried again", _REPORT),
    "worker.run_put_off": Advice("deliveries could not be loaded now; they are tried again", _WAITS + _DATABASE),
}
"""An event of the log to its advice."""


def add_advice(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor for structlog: writes `what` and `do` into loud lines, unless the line says them itself."""
    advice = ADVICE.get(line.get("event", "")) if line.get("level") in _LOUD else None
    if advice is not None:
        line.setdefault("what", advice.what)
        line.setdefault("do", advice.do)
    return line
