"""The checks: each is a function from facts to findings, and touches nothing."""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from bus.agencies import PollFailureKind
from bus.doctor.facts import Disk, Facts
from bus.doctor.finding import Finding, Urgency
from bus.storage import Server

Check = Callable[[Facts], Iterator[Finding]]

_GIBIBYTE: Final = 1024**3
_LITTLE_SHARE: Final = 0.1
_LITTLE_BYTES: Final = 20 * _GIBIBYTE
"""A disk with less free than both the share and the bytes is nearly full: a tenth of a large disk lasts for months."""
_LEAST_BYTES: Final = _GIBIBYTE
_LONG_LOG_BYTES: Final = _GIBIBYTE
"""Checkpoints keep the log of a busy bus below a tenth of this."""
_HELD_LOG_BYTES: Final = 10 * _GIBIBYTE
_SKEW_SECONDS: Final = 5.0
"""Tokens carry a time of issue, and signatures of webhooks one that receivers compare with their own clocks."""
_LATE_SECONDS: Final = 60.0
_FAILING_HOURS: Final = 1.0
_PASSING: Final = (PollFailureKind.TRANSIENT, PollFailureKind.BUS)
"""Failures that mostly pass by themselves."""
_OF_AGENCY: Final = (
    "Check BUS_ADAPTERS__<AGENCY>__… (docs/agencies.md), and ask the agency. `bus agency list` shows when it ends well."
)
_MENDS: Final = {
    PollFailureKind.TRANSIENT: _OF_AGENCY,
    PollFailureKind.PERMANENT: _OF_AGENCY,
    PollFailureKind.DOWN: _OF_AGENCY,
    PollFailureKind.UNBOUND: "Put a version in force that names the poll in `adapters`.",
    PollFailureKind.CONTRACT: "Put a version of the contract in force that protects the data as the poll demands.",
    PollFailureKind.BUS: "See the other findings, and the log line `poll.failed`.",
    PollFailureKind.DEFECT: "Tell whoever wrote the adapter; the log line is `adapter.defect`.",
}
_HERE: Final = ("localhost", "127.0.0.1", "::1")


def diagnose(facts: Facts) -> list[Finding]:
    """What is wrong, the most urgent first."""
    order = list(Urgency)
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: order.index(finding.urgency))


def check_rights(facts: Facts) -> Iterator[Finding]:
    """Files with keys, passwords or residents' data that others can open."""
    for path in facts.open_paths:
        yield Finding(
            Urgency.NOW,
            "open-to-others",
            str(path),
            f"Other users of this machine can open {path}. It belongs to keys, passwords or residents' data.",
            f"chmod go= {path}. If strangers had access, also `bus keys rotate --leaked`.",
        )


def check_tls(facts: Facts) -> Iterator[Finding]:
    """An address for clients without TLS."""
    if not facts.public_url:
        yield Finding(
            Urgency.KNOW,
            "no-public-url",
            "BUS_PUBLIC_URL",
            "BUS_PUBLIC_URL is not set, so tokens name an address on this machine.",
            "Before other machines use the bus, put a proxy with TLS in front, and set BUS_PUBLIC_URL to its address.",
        )
        return
    parts = urlsplit(facts.public_url)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        yield Finding(
            Urgency.NOW,
            "no-tls",
            "BUS_PUBLIC_URL",
            f"Clients reach the bus at {facts.public_url} without TLS. Others can read tokens and residents' data.",
            "Put a proxy with TLS in front, and set BUS_PUBLIC_URL to its https address.",
        )


def check_clocks(facts: Facts) -> Iterator[Finding]:
    """Clocks that differ from this machine's clock."""
    server = facts.condition.server
    clocks = [("the database", server.ahead_seconds)] if server else []
    clocks += [(f"process {name}", ahead) for name, ahead in facts.ahead_seconds]
    for name, ahead in clocks:
        if abs(ahead) > _SKEW_SECONDS:
            way = "ahead of" if ahead > 0 else "behind"
            yield Finding(
                Urgency.SOON,
                "clock-skew",
                name,
                f"The clock of {name} is {abs(ahead):.0f} s {way} this machine's. Tokens and signatures are refused early.",
                "Let all machines set their clocks by one time server (chrony, systemd-timesyncd).",
            )


def check_disks(facts: Facts) -> Iterator[Finding]:
    """Disks that are nearly full."""
    for disk in facts.disks:
        urgency = _judge_disk(disk)
        if urgency:
            yield Finding(
                urgency,
                "disk-nearly-full",
                str(disk.folder),
                f"The disk of {disk.folder} has {_write_size(disk.free)} of {_write_size(disk.total)} free. "
                "When it is full, the bus refuses new events with 507 and loses none.",
                "Give it more room, or remove what is not the bus's.",
            )


def _judge_disk(disk: Disk) -> Urgency | None:
    if disk.free < _LEAST_BYTES:
        return Urgency.NOW
    return Urgency.SOON if disk.free < min(_LITTLE_BYTES, disk.total * _LITTLE_SHARE) else None


def check_logs(facts: Facts) -> Iterator[Finding]:
    """Write-ahead logs that grow."""
    if facts.condition.log_bytes > _LONG_LOG_BYTES:
        yield Finding(
            Urgency.SOON,
            "wal-grows",
            f"{facts.condition.file}-wal",
            f"The write-ahead log of the database has {_write_size(facts.condition.log_bytes)}. Reads become slow.",
            "See whether another program reads the database for long, such as a copy. "
            "A restart of the bus shortens the log.",
        )
    for slot, held in facts.condition.server.slots if facts.condition.server else ():
        if held > _HELD_LOG_BYTES:
            yield Finding(
                Urgency.SOON,
                "wal-grows",
                f"replication slot {slot}",
                f"PostgreSQL keeps {_write_size(held)} of WAL for the replication slot {slot}, which nobody fetches.",
                f"Start its standby again, or remove it: SELECT pg_drop_replication_slot('{slot}').",
            )


def check_durability(facts: Facts) -> Iterator[Finding]:
    """Settings of PostgreSQL under which an acknowledged event can be lost."""
    server = facts.condition.server
    if server is None:
        return
    if not server.is_fsync_on:
        yield _make_durability(
            "no-fsync",
            "PostgreSQL runs with fsync or full_page_writes off.",
            "Set both to on in postgresql.conf, then reload PostgreSQL.",
        )
    if server.commits == "off":
        yield _make_durability(
            "commits-do-not-wait",
            "synchronous_commit is off, so commits are acknowledged before they are on disk.",
            "Set synchronous_commit to on for the bus's role and database.",
        )
    yield from _check_standby(server)


def _check_standby(server: Server) -> Iterator[Finding]:
    if not server.promised:
        return
    if not server.standbys:
        yield Finding(
            Urgency.NOW,
            "no-standby",
            "PostgreSQL",
            f"synchronous_standby_names promises {server.promised!r}, and no standby is connected. Commits may wait for ever.",
            "Start the standby. Or empty synchronous_standby_names, if the machine is gone for good.",
        )
    if server.commits == "local":
        yield _make_durability(
            "commits-do-not-wait",
            "A synchronous standby is promised, but synchronous_commit is local: commits do not wait for the standby.",
            "Set synchronous_commit to on for the bus's role and database.",
        )


def _make_durability(code: str, what: str, do: str) -> Finding:
    return Finding(Urgency.NOW, code, "PostgreSQL", f"{what} A crash can lose acknowledged events.", do)


def check_relay(facts: Facts) -> Iterator[Finding]:
    """Accepted events that nobody makes deliveries of."""
    if facts.lag_seconds > _LATE_SECONDS:
        yield Finding(
            Urgency.NOW,
            "relay-missing",
            "relay",
            f"{facts.lag_events} events have no deliveries yet, the oldest for {facts.lag_seconds:.0f} s. No event is lost.",
            "Start a process with the role relay (`bus serve --roles relay`). If one runs, read its log.",
        )


def check_workers(facts: Facts) -> Iterator[Finding]:
    """Deliveries that wait while nobody lives who makes them."""
    for role in facts.unattended_roles:
        yield Finding(
            Urgency.NOW,
            "workers-missing",
            role,
            f"Deliveries wait, and no process with the role {role} lives.",
            f"Start one (`bus serve --roles {role}`, or `bus serve` for all roles). If one runs, read its log.",
        )


def check_grants(facts: Facts) -> Iterator[Finding]:
    """Grants that end soon."""
    for grant in facts.grants:
        days = (grant.until - facts.today).days
        when = f"ends in {days} days" if days > 0 else "ends today" if days == 0 else "has ended"
        yield Finding(
            Urgency.SOON,
            "grant-ends",
            f"{grant.contract} {grant.participant}",
            f"The grant of {grant.participant} in {grant.contract} {when} ({grant.until}). After that day it gets nothing.",
            "Ask the contract's owner for a version with a later `until`, or without the grant.",
        )


def check_sunsets(facts: Facts) -> Iterator[Finding]:
    """Deprecated versions after their sunset."""
    for one in facts.sunsets:
        if one.day < facts.today:
            yield Finding(
                Urgency.SOON,
                "past-sunset",
                f"{one.contract} {one.version}",
                f"{one.contract} {one.version} is past its sunset ({one.day}), and still takes events.",
                f"bus contract retire {one.contract} {one.version}",
            )


def check_sinks(facts: Facts) -> Iterator[Finding]:
    """Sinks that have failed for a day, and subscriptions that the bus disabled."""
    for one in facts.failing:
        kind = "webhook" if one.is_webhook else "agency"
        hours = (facts.now - one.since).total_seconds() / 3600
        answer = f"{one.failure}, status {one.status}" if one.status else one.failure
        yield Finding(
            Urgency.SOON,
            "sink-fails",
            one.subscription,
            f"A delivery to the {kind} of {one.participant} ({one.subscription}) has failed for {hours:.0f} h "
            f"({answer}).",
            f"Tell {one.participant}. Its attempts: GET /v1/deliveries?subscription={one.subscription}",
        )
    for gone in facts.disabled:
        yield Finding(
            Urgency.SOON,
            "subscription-disabled",
            gone.subscription,
            f"The webhook of {gone.participant} answered 410, so its subscription {gone.subscription} is disabled.",
            f"Ask {gone.participant}, then: bus subscription resume {gone.subscription}",
        )


def check_agencies(facts: Facts) -> Iterator[Finding]:
    """Agencies that contracts in force need, and that have no settings."""
    if facts.is_development and facts.agencies:
        yield Finding(
            Urgency.KNOW,
            "agencies-not-simulated",
            "bus dev",
            f"There are no settings here for {', '.join(one.agency for one in facts.agencies)}. "
            "On a development bus that is no fault.",
            "Nothing, unless you need them: `bus dev --agencies` runs a simulator of each ministry.",
        )
        return
    for one in facts.agencies:
        yield Finding(
            Urgency.SOON,
            "agency-without-settings",
            one.agency,
            f"The adapter {one.agency} has no settings here. Contracts in force need it: {', '.join(one.contracts)}.",
            f"Set BUS_ADAPTERS__{one.agency.upper()}__BASE_URL and its credentials (docs/agencies.md), then restart.",
        )


def check_polls(facts: Facts) -> Iterator[Finding]:
    """Polls that have failed for an hour, or whose failure no further attempt can mend."""
    for one in facts.polls:
        failure, hours = one.failure, (facts.now - one.since).total_seconds() / 3600
        if failure.kind in _PASSING and hours < _FAILING_HOURS:
            continue
        name = f"{one.poll.adapter}/{one.poll.operation}"
        yield Finding(
            Urgency.SOON,
            "poll-fails",
            name,
            f"The poll {name} has failed for {hours:.0f} h, {failure.in_a_row} times in a row "
            f"({failure.kind.value}: {failure.detail}). No row is lost.",
            _MENDS[failure.kind],
        )


def check_notices(facts: Facts) -> Iterator[Finding]:
    """People who would not be told of trouble."""
    if not facts.tells_somebody:
        yield Finding(
            Urgency.KNOW,
            "nobody-told",
            "BUS_NOTICE_TO",
            "When something goes wrong, the bus tells nobody: it has no address of yours.",
            "Set BUS_SMTP_HOST, BUS_NOTICE_FROM and BUS_NOTICE_TO, or BUS_NOTICE_WEBHOOK; then `bus notify test`.",
        )
    for one in facts.deaf:
        hours = (facts.now - one.since).total_seconds() / 3600
        yield Finding(
            Urgency.SOON,
            "notices-fail",
            one.name,
            f"Notices have not reached {one.name} for {hours:.0f} h: {one.failure}.",
            "Try `bus notify test`. A participant's address: `bus participant set NAME --contact ADDRESS`.",
        )


def check_adapters(facts: Facts) -> Iterator[Finding]:
    """Registered adapters that are in force and do not serve."""
    for one in facts.off_adapters:
        yield Finding(
            Urgency.SOON,
            "adapter-off",
            one.name,
            f"The registered adapter {one.name} is off, and deliveries to its agency wait. {one.why}",
            "Give the settings and restart, or activate another version: bus adapter list, bus adapter activate",
        )


def _write_size(size: int) -> str:
    return f"{size / _GIBIBYTE:.1f} GiB"


CHECKS: Final[tuple[Check, ...]] = (
    check_rights,
    check_tls,
    check_clocks,
    check_disks,
    check_logs,
    check_durability,
    check_relay,
    check_workers,
    check_grants,
    check_sunsets,
    check_sinks,
    check_agencies,
    check_polls,
    check_notices,
    check_adapters,
)
