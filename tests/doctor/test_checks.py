"""The doctor's checks: facts to findings."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bus.agencies import PollFailure, PollFailureKind
from bus.contracts import EndingGrant
from bus.delivery.failing import Failing
from bus.doctor.checks import CHECKS, diagnose
from bus.doctor.facts import Disabled, Disk, Facts, FailingPoll, NamedAgency, OffAdapter, Sunset
from bus.doctor.finding import Urgency
from bus.notices import FailingRecipient
from bus.refusals import Poll
from bus.storage.condition import Condition, Server

GIB = 1024**3
TODAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
SERVER = Server(0.0, True, "on", "", 0, ())
HEALTHY = Facts(
    today=TODAY,
    now=NOW,
    open_paths=(),
    public_url="https://bus.example",
    disks=(Disk(Path("/data"), 50 * GIB, 100 * GIB),),
    condition=Condition(Path("/data/bus.db"), 1024, None),
    ahead_seconds=(("p", 1.0),),
    lag_events=3,
    lag_seconds=2.0,
    unattended_roles=(),
    grants=(),
    sunsets=(Sunset("a.b", "1.0.0", TODAY),),
    failing=(),
    disabled=(),
    agencies=(),
    tells_somebody=True,
    deaf=(),
    off_adapters=(),
    polls=(),
    is_development=False,
)


def a_failing_poll(kind: PollFailureKind, minutes: int) -> FailingPoll:
    since = NOW - timedelta(minutes=minutes)
    return FailingPoll(Poll("badan", "tarik"), PollFailure(kind, "Badan refuses the account", NOW, since, 3), since)


def on_server(**changes: Any) -> dict[str, Any]:
    return {"condition": Condition(None, 0, replace(SERVER, **changes))}


def codes(**changes: Any) -> list[tuple[str, Urgency]]:
    return [(one.code, one.urgency) for one in diagnose(replace(HEALTHY, **changes))]


def test_nothing_is_found_of_a_bus_that_is_well():
    assert codes() == []
    assert codes(**on_server(promised="s1", standbys=1)) == []


def test_a_poll_that_an_agency_did_not_answer_for_minutes_is_tried_again_without_a_finding():
    assert codes(polls=(a_failing_poll(PollFailureKind.TRANSIENT, 59),)) == []


WRONG: list[tuple[dict[str, Any], str, Urgency]] = [
    ({"open_paths": (Path("/data/keys"),)}, "open-to-others", Urgency.NOW),
    ({"public_url": "http://bus.example"}, "no-tls", Urgency.NOW),
    ({"public_url": ""}, "no-public-url", Urgency.KNOW),
    ({"ahead_seconds": (("p", 9.0),)}, "clock-skew", Urgency.SOON),
    (on_server(ahead_seconds=-9.0), "clock-skew", Urgency.SOON),
    ({"disks": (Disk(Path("/data"), 9 * GIB, 100 * GIB),)}, "disk-nearly-full", Urgency.SOON),
    ({"disks": (Disk(Path("/data"), GIB // 2, 2 * GIB),)}, "disk-nearly-full", Urgency.NOW),
    ({"condition": Condition(Path("/data/bus.db"), 2 * GIB, None)}, "wal-grows", Urgency.SOON),
    (on_server(slots=(("s1", 11 * GIB),)), "wal-grows", Urgency.SOON),
    (on_server(is_fsync_on=False), "no-fsync", Urgency.NOW),
    (on_server(commits="off"), "commits-do-not-wait", Urgency.NOW),
    (on_server(promised="s1", standbys=0), "no-standby", Urgency.NOW),
    (on_server(promised="s1", standbys=1, commits="local"), "commits-do-not-wait", Urgency.NOW),
    ({"lag_seconds": 61.0}, "relay-missing", Urgency.NOW),
    ({"unattended_roles": ("worker",)}, "workers-missing", Urgency.NOW),
    ({"grants": (EndingGrant("a.b", "bapenda", "dinkes", TODAY),)}, "grant-ends", Urgency.SOON),
    ({"sunsets": (Sunset("a.b", "1.0.0", TODAY - timedelta(1)),)}, "past-sunset", Urgency.SOON),
    (
        {"failing": (Failing("sub_1", "bapenda", True, NOW - timedelta(hours=30), "transient", 500),)},
        "sink-fails",
        Urgency.SOON,
    ),
    ({"disabled": (Disabled("sub_1", "bapenda"),)}, "subscription-disabled", Urgency.SOON),
    ({"tells_somebody": False}, "nobody-told", Urgency.KNOW),
    (
        {"deaf": (FailingRecipient("mail bapenda", NOW - timedelta(hours=3), "the mail server answered 550"),)},
        "notices-fail",
        Urgency.SOON,
    ),
    ({"polls": (a_failing_poll(PollFailureKind.DOWN, 1),)}, "poll-fails", Urgency.SOON),
    ({"polls": (a_failing_poll(PollFailureKind.TRANSIENT, 61),)}, "poll-fails", Urgency.SOON),
    (
        {"agencies": (NamedAgency("pupr", ("a.b",)),), "is_development": True},
        "agencies-not-simulated",
        Urgency.KNOW,
    ),
    ({"off_adapters": (OffAdapter("badan", "Kunci is missing."),)}, "adapter-off", Urgency.SOON),
    ({"agencies": (NamedAgency("pupr", ("a.b",)),)}, "agency-without-settings", Urgency.SOON),
]


@pytest.mark.parametrize(("changes", "code", "urgency"), WRONG)
def test_each_thing_that_is_wrong_is_found_alone(changes: dict[str, Any], code: str, urgency: Urgency):
    assert codes(**changes) == [(code, urgency)]


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_an_address_of_this_machine_needs_no_tls(url: str):
    assert codes(public_url=url) == []


def test_a_tenth_of_a_large_disk_is_enough():
    assert codes(disks=(Disk(Path("/data"), 21 * GIB, 1000 * GIB),)) == []


def test_the_most_urgent_comes_first():
    found = codes(public_url="", disabled=(Disabled("sub_1", "bapenda"),), unattended_roles=("worker",))
    assert [urgency for _, urgency in found] == list(Urgency)


def test_every_finding_says_what_helps():
    for changes, code, _ in WRONG:
        (finding,) = diagnose(replace(HEALTHY, **changes))
        assert finding.do
        assert finding.what.endswith(".")
        assert finding.about, code


def test_every_check_has_a_case():
    found = {check for check in CHECKS for changes, _, _ in WRONG if list(check(replace(HEALTHY, **changes)))}
    assert found == set(CHECKS)


def test_a_failing_sink_is_told_with_its_owner_and_answer():
    changes, _, _ = next(one for one in WRONG if one[1] == "sink-fails")
    (finding,) = diagnose(replace(HEALTHY, **changes))
    assert finding.what == "A delivery to the webhook of bapenda (sub_1) has failed for 30 h (transient, status 500)."
