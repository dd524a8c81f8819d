"""`bus status`, `bus deliveries`, `bus events` and `bus refusals`, on a data folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import json
from bus.cli.status import wrap_lines
from bus.cli.workspace import open_workspace
from bus.delivery import Subscriptions, Webhook
from bus.delivery.health import CircuitReport
from bus.delivery.ledger import Ledger, NewDelivery
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def failing(bus: Commands) -> str:
    """The id of a subscription whose sink fails, beside one that does well."""
    with open_workspace(bus.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        subscriptions.add(a_new_subscription("dinkes", sink=Webhook("https://dinkes.example/hook")), OPERATOR)
        hook = Webhook("https://pajak.example/hook?token=rahasia")
        made = subscriptions.add(a_new_subscription(sink=hook), OPERATOR)
        ledger = Ledger(workspace.storage, workspace.keys.encrypt)
        with workspace.storage.write() as transaction:
            ledger.add(transaction, [NewDelivery(made.number, 1, None)], 0, again=False)
            circuits = {made.number: CircuitReport(is_closed=False, until=1)}
            ledger.record(transaction, [a_failed_attempt(made.number, 1)], circuits)
    return made.id


def test_who_gets_nothing_comes_first_with_the_reason_and_the_command_that_helps(bus: Commands, failing: str) -> None:
    lines = bus("status").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("! bapenda"))
    assert failing in lines[at]
    assert "1 waiting" in lines[at]
    assert "pajak.example" in lines[at]
    assert "the sink answered 500" in lines[at + 1]
    assert f"bus deliveries --subscription {failing}, then bus answers" in lines[at + 2]
    assert f"bus subscription redrive {failing} --pending" in lines[at + 3]
    assert "dinkes" in lines[at + 4]
    assert "rahasia" not in "".join(lines)


def test_only_what_is_wrong_is_shown_when_asked_for(bus: Commands, failing: str) -> None:
    shown = bus("status", "--troubled").out
    assert failing in shown
    assert "dinkes" not in shown


def test_the_status_as_json_has_the_members_of_the_api(bus: Commands, failing: str) -> None:
    found = json.loads(bus("status", "--json").out)
    parts = {"at", "version", "bus", "subscribers", "agencies", "agency_states", "pauses", "producers", "refused"}
    assert found.keys() == parts
    assert found["subscribers"][0]["subscription"] == failing


def test_lines_fit_a_narrow_terminal_and_keep_their_words() -> None:
    line = "! agency kominfo: last success never, quota 3 of 1000 left today, https://" + "x" * 90
    wrapped = list(wrap_lines([line, "", "short"], 40))
    assert [one for one in wrapped if len(one) > 40] == ["      https://" + "x" * 90]
    assert " ".join(one.strip() for one in wrapped) == f"{line} short"


def test_deliveries_are_listed_with_their_last_failure_and_a_wrong_state_is_wrong_usage(
    bus: Commands, failing: str
) -> None:
    (line,) = bus("deliveries", "--state", "pending").out.splitlines()
    assert line.startswith(f"{failing}.1\tpending\t1 tries\tnext ")
    assert line.endswith("it failed inside")
    assert bus("participant", "add", "dinkes", "--kind", "app").code == 0
    said = bus("deliveries", "--participant", "dinkes")
    assert (said.code, said.out, said.err) == (0, "", "There are no such deliveries.\n")
    assert bus("deliveries", "--state", "salah").code == 2


@pytest.mark.parametrize("command", ["deliveries", "events", "refusals"])
def test_a_mistyped_participant_was_shown_as_one_without_trouble(bus: Commands, command: str) -> None:
    said = bus(command, "--participant", "bapend")
    assert (said.code, "no participant 'bapend'" in said.err) == (1, True)


def test_a_delivery_without_a_failed_attempt_was_answered_with_silence(bus: Commands, failing: str) -> None:
    said = bus("answers", f"{failing}.999", "--reason", "diperiksa")
    assert (said.code, said.out, "bus deliveries" in said.err) == (0, "", True)


def test_an_empty_bus_has_no_events_and_no_refusals_and_an_unknown_contract_is_refused(bus: Commands) -> None:
    assert (bus("events").out, bus("refusals").out) == ("", "")
    assert bus("events", "--contract", "tidak.ada").code == 1


def test_workers_for_a_process_without_the_api_are_refused(bus: Commands) -> None:
    ran = bus("serve", "--roles", "relay", "--workers", "2")
    assert (ran.code, "role api" in ran.err) == (1, True)


def test_a_changed_address_was_kept_and_init_said_that_nothing_changed(bus: Commands) -> None:
    assert "are kept" in bus("init", "--broker-url", "amqp://bus:rahasia@mq.example//").out
    assert "nothing changed" in bus("init").out
