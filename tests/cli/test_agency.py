"""`bus agency`: the operator sees what polls hold back, and lets it go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import clock, json
from bus.agencies import Holds, OpenCircuits, PollFailureKind, QuotaLedger, list_coded
from bus.agencies.poll_failure import note_failure
from bus.agencies.quotas import QuotaTerms
from bus.cli.workspace import open_workspace
from bus.declared import AdapterCatalogue, make_draft
from bus.refusals import Poll
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, hold_some_deletions
from tests.cli.a_command import Commands, commands
from tests.declared.a_declared_agency import UNCHECKED, a_body, a_poll


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def registered(run: Commands) -> str:
    """The name of an adapter that a document describes, with the poll `tarik`."""
    with open_workspace(run.folder / "data") as workspace:
        registrar = AdapterCatalogue(workspace.storage, list_coded()).registrar
        draft = make_draft(a_body(a_poll()))
        registrar.add_draft(draft, UNCHECKED, OPERATOR)
        registrar.activate(registrar.read_candidate(draft.name, draft.version, OPERATOR), UNCHECKED, OPERATOR)
    return draft.name


def test_an_empty_list_says_that_it_is_empty(run: Commands) -> None:
    assert "no agency is polled" in run("agency", "list").out
    assert run("agency", "list", "--json").out == ""


def test_a_poll_that_never_ended_is_told_with_where_to_look(run: Commands, registered: str) -> None:
    said = run("agency", "list").out
    assert f"{registered}\ttarik\tpolled never" in said
    assert "does a process with the role adapters run?" in said
    assert f"agency {registered}/tarik: never polled" in run("status").out


def test_a_poll_that_fails_is_told_in_the_list_the_status_and_by_the_doctor(run: Commands, registered: str) -> None:
    with open_workspace(run.folder / "data") as workspace, workspace.storage.write() as transaction:
        now = clock.now_micros()
        note_failure(transaction, Poll(registered, "tarik"), PollFailureKind.DOWN, "Badan refuses the account", now)
    for command in (["agency", "list"], ["status", "--troubled"], ["doctor"]):
        assert "agency down: Badan refuses the account" in run(*command).out
    told = [json.loads(line) for line in run("agency", "list", "--json").out.splitlines()]
    assert told[0]["last_failure"]["in_a_row"] == 1


def test_an_agency_that_a_process_leaves_in_peace_is_told_in_both_places(run: Commands) -> None:
    with open_workspace(run.folder / "data") as workspace:
        OpenCircuits(workspace.storage).tell("kemendagri", 30.0)
    assert "kemendagri does not answer questions" in run("agency", "list").out
    assert "question circuit open" in run("status", "--troubled").out


def test_a_registered_adapter_is_paused_by_its_name_and_its_operation(run: Commands, registered: str) -> None:
    assert run("agency", "pause", registered, "--reason", "pemeliharaan").code == 0
    assert run("agency", "pause", registered, "tarik", "--reason", "pemeliharaan").code == 0
    refused = run("agency", "pause", registered, "lain", "--reason", "x")
    assert (refused.code, "it has tarik" in refused.err) == (1, True)


def test_the_list_says_what_is_held_and_what_to_do(run: Commands) -> None:
    with open_workspace(run.folder / "data") as workspace:
        hold_some_deletions(workspace.storage)
    said = run("agency", "list").out
    assert "97 deletions of 100 rows of /badan/warga" in said
    assert f"bus agency release {AGENCY}" in said
    (line,) = run("agency", "list", "--json").out.splitlines()
    told = json.loads(line)
    assert (told["agency"], told["operation"], told["held"][0]["deletions"]) == (AGENCY, "tarik", 97)


def test_a_release_is_for_the_poll_that_is_named(run: Commands) -> None:
    with open_workspace(run.folder / "data") as workspace:
        hold_some_deletions(workspace.storage)
    assert run("agency", "release", AGENCY, "--operation", "lain").code == 1
    assert "released 97 deletions" in run("agency", "release", AGENCY, "--operation", "tarik").out
    with open_workspace(run.folder / "data") as workspace:
        (report,) = Holds(workspace.storage).report()
    assert report.held[0].released == 97


def test_nothing_is_released_where_nothing_is_held(run: Commands) -> None:
    refused = run("agency", "release", AGENCY)
    assert (refused.code, "holds deletions back" in refused.err) == (1, True)


def test_a_paused_agency_is_listed_with_its_reason_in_both_places(run: Commands) -> None:
    assert (
        "kominfo/katalog is paused" in run("agency", "pause", "kominfo", "katalog", "--reason", "pemeliharaan SPLP").out
    )
    for command in (["agency", "list"], ["status"]):
        said = run(*command).out
        assert "kominfo/katalog" in said
        assert "pemeliharaan SPLP" in said
    assert run("agency", "resume", "kominfo").code == 1
    assert run("agency", "resume", "kominfo", "katalog").code == 0
    assert "pemeliharaan" not in run("agency", "list").out


def test_what_a_quota_has_left_is_shown_in_both_places(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_ADAPTERS__SPLP__BASE_URL", "https://splp.example")
    for name in ("CONSUMER_KEY", "CONSUMER_SECRET"):
        monkeypatch.setenv(f"BUS_ADAPTERS__SPLP__{name}", "rahasia")
        monkeypatch.setenv(f"BUS_ADAPTERS__SPLP__{name}_HOSTS", "splp.example")
    monkeypatch.setenv("BUS_ADAPTERS__SPLP__DAILY_QUOTA", "3")
    with open_workspace(run.folder / "data") as workspace:
        QuotaLedger(workspace.storage).take("splp", "bapenda", QuotaTerms(3))
    assert "splp quota 2 of 3 calls left today" in run("agency", "list").out
    assert "  agency splp: last success never, quota 2 of 3 left today" in run("status").out
    assert "splp" not in run("status", "--troubled").out


def test_an_agency_whose_settings_are_wrong_is_off_with_the_setting_and_no_value(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUS_ADAPTERS__SPLP__DAILY_QUOTA", "rahasia")
    for command in (["agency", "list"], ["status", "--troubled"]):
        said = run(*command).out
        assert "splp" in said
        assert "off: " in said
        assert "rahasia" not in said


@pytest.mark.parametrize("named", [["komimfo"], ["kominfo", "katalok"]])
def test_a_mistyped_name_pauses_nothing_and_the_right_ones_are_named(run: Commands, named: list[str]) -> None:
    refused = run("agency", "pause", *named, "--reason", "x")
    assert refused.code == 1
    assert "kominfo" in refused.err


def test_a_pause_needs_a_reason_of_one_line(run: Commands) -> None:
    assert run("agency", "pause", "kominfo", "--reason", "satu\ndua").code == 1
