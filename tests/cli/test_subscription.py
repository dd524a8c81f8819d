"""`bus subscription`, on a data folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import json
from bus.cli.workspace import open_workspace
from bus.delivery import Subscriptions, SubscriptionState, Webhook
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_a_disabled_subscription_is_shown_with_its_reason_and_resumed(bus: Commands):
    with open_workspace(bus.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        hook = Webhook("https://pajak.example/hook?token=rahasia")
        gone, other = [subscriptions.add(a_new_subscription(sink=hook), OPERATOR) for _ in range(2)]
        subscriptions.disable(gone, OPERATOR)
        (shown,) = bus("subscription", "list", "--state", "disabled").out.splitlines()
        assert shown.startswith(f"{gone.id}\tbapenda\tdisabled")
        assert "410" in shown
        assert "rahasia" not in shown
        told = [json.loads(line) for line in bus("subscription", "list", "--json").out.splitlines()]
        assert [(one["id"], one["state"]) for one in told] == [(gone.id, "disabled"), (other.id, "active")]
        assert bus("subscription", "resume", gone.id).code == 0
        assert subscriptions.get(gone.id, None).state is SubscriptionState.ACTIVE


def test_a_subscription_that_is_not_there_is_refused(bus: Commands):
    ran = bus("subscription", "resume", "sub_none")
    assert (ran.code, "sub_none" in ran.err) == (1, True)
