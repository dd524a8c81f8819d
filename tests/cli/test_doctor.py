"""`bus doctor`: gathers the facts of a real bus, and exits with 1 where somebody has to act."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bus import clock, json
from bus.cli.workspace import open_workspace
from bus.delivery import Heartbeat, Subscriptions, Webhook
from bus.delivery.failing import find_failing
from bus.delivery.ordering import PARKED
from bus.delivery.tables import ATTEMPTS, DELIVERIES, HEARTBEATS
from tests.an_actor import OPERATOR
from tests.builders import a_grant, a_new_subscription
from tests.cli.a_command import Commands, commands


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def found(run: Commands) -> dict[str, str]:
    ran = run("doctor", "--json")
    shown = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == any(one["urgency"] != "know" for one in shown)
    return {one["code"]: one["about"] for one in shown}


def test_a_new_bus_is_well(run: Commands):
    ran = run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("KNOW  BUS_PUBLIC_URL is not set")
    assert found(run) == {"no-public-url": "BUS_PUBLIC_URL", "nobody-told": "BUS_NOTICE_TO"}


def test_a_database_that_others_can_read_is_found_if_others_get_to_it(run: Commands):
    database = run.folder / "data" / "bus.db"
    database.chmod(0o644)
    assert "open-to-others" not in found(run), "the data folder keeps others out"
    database.parent.chmod(0o755)
    shown = run("doctor")
    assert (shown.code, f"chmod go= {database}" in shown.out) == (1, True)


def test_keys_that_others_can_read_are_refused_with_what_to_do(run: Commands):
    keys = run.folder / "data" / "keys"
    for key in keys.iterdir():
        key.chmod(0o644)
    shown = run("doctor")
    assert (shown.code, f"chmod -R u=rwX,go= {keys}" in shown.err) == (1, True)


def test_grants_that_end_soon_and_agencies_without_settings_are_found(run: Commands):
    soon = clock.local_date(clock.now()) + timedelta(days=20)
    later = clock.local_date(clock.now()) + timedelta(days=40)
    consumers = [a_grant("bapenda", until=soon.isoformat()), a_grant("dinkes", until=later.isoformat())]
    path = run.written(consumers=consumers, adapters=[{"adapter": "pupr", "operation": "ruas-jalan"}])
    assert run("contract", "apply", "--grants-seen", path).code == 0
    shown = found(run)
    assert shown["grant-ends"] == "kependudukan.uji bapenda"
    assert shown["agency-without-settings"] == "pupr"


def test_a_terminal_without_the_settings_of_a_running_bus_accuses_no_adapter(run: Commands):
    path = run.written(adapters=[{"adapter": "pupr", "operation": "ruas-jalan"}])
    assert run("contract", "apply", "--grants-seen", path).code == 0
    assert "agency-without-settings" in found(run)
    with open_workspace(run.folder / "data") as workspace:
        Heartbeat(workspace.storage, ["adapters"], "a-process").beat()
    shown = found(run)
    assert "adapters-unseen" in shown
    assert "agency-without-settings" not in shown


def test_a_delivery_that_has_failed_for_a_day_is_found_behind_deliveries_that_wait(run: Commands):
    now = clock.micros(clock.now())
    day = 24 * 3_600_000_000
    with open_workspace(run.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        made = subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
        row = {"subscription": made.number, "state": 0, "key": None, "attempts": 0}
        waiting = [row | {"position": at, "due_at": now - 1} for at in range(100, 800)]
        parked = [row | {"position": at, "due_at": PARKED} for at in range(800, 1400)]
        failed = row | {"position": 1, "due_at": now + day // 24, "attempts": 9}
        attempt = {"subscription": made.number, "position": 1, "failure": "transient", "detail": "", "duration_ms": 1}
        with workspace.storage.write() as transaction:
            transaction.execute(sa.insert(DELIVERIES), [*waiting, *parked, failed])
            tries = [attempt | {"number": 1, "at": now - day - 1, "status": 500}]
            tries += [attempt | {"number": 2, "at": now - 60, "status": None}]
            transaction.execute(sa.insert(ATTEMPTS), tries)
        (failing,) = find_failing(workspace.storage, [made], clock.moment(now - day))
        assert (failing.subscription, failing.status) == (made.id, 500)
        assert find_failing(workspace.storage, [made], clock.moment(now - 2 * day)) == []
    shown = found(run)
    assert (shown["sink-fails"], shown["workers-missing"]) == (made.id, "worker")


def test_a_subscription_that_the_bus_disabled_is_found(run: Commands):
    with open_workspace(run.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        made = subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
        subscriptions.disable(made, OPERATOR)
    assert found(run)["subscription-disabled"] == made.id


def test_a_process_whose_clock_is_ahead_is_found(run: Commands):
    seen_at = clock.micros(clock.now()) + 60_000_000
    with open_workspace(run.folder / "data") as workspace, workspace.storage.write() as transaction:
        beat = {"process": "p1", "role": "worker", "seen_at": seen_at}
        transaction.execute(sa.insert(HEARTBEATS).values(**beat))
    assert found(run)["clock-skew"] == "process p1"
