"""`bus dev`: what it prints works in a fresh terminal, and a later start goes on with the same bus."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bus.cli.dev import _listen
from bus.cli.dev_bus import open_dev_bus, prepare, read_contracts
from bus.cli.dev_lines import write_introduction
from bus.cli.dev_notebook import Notebook, NotForDevelopment
from bus.cli.serve import PortTaken
from bus.identity import Participants
from bus.process import Wakeups
from tests.a_dev_bus import DevBus, a_dev_bus, strange_environment
from tests.an_actor import OPERATOR
from tests.cli.a_command import Commands, commands
from tests.services.waiting import until

OFFICE = "dinas-kominfo"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevBus]:
    with a_dev_bus(tmp_path_factory.mktemp("dev"), "--agencies") as running:
        yield running


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def prepared(folder: Path, office: str = OFFICE) -> Notebook:
    """The notebook after a start that does not serve."""
    notebook = Notebook.open(folder)
    with open_dev_bus(notebook, Wakeups()) as workspace:
        prepare(workspace, notebook, office)
    return Notebook.open(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `bus dev` ran."""
    folder = tmp_path_factory.mktemp("made") / "bus"
    prepared(folder)
    return folder


def paste(line: str) -> str:
    """What a line prints in a fresh terminal."""
    done = subprocess.run(
        ["bash", "-c", line], env=strange_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_each_line_works_in_a_fresh_terminal(dev: DevBus, tmp_path: Path) -> None:
    receive, publish, pull = re.findall(r"^\. .*; .*$", dev.printed, re.MULTILINE)
    with (tmp_path / "received").open("wb") as file:
        listening = subprocess.Popen(
            ["bash", "-c", f"exec {receive.partition('; ')[2]}"], stdout=file, env=dev.environment()
        )
    received = file.name
    try:
        until(lambda: "listening" in Path(received).read_text(), 60)
        assert json.loads(paste(publish))["duplicate"] is False
        assert json.loads(paste(pull))["events"][-1]["type"] == "layanan.katalog"
        until(lambda: "layanan.katalog  dukcapil-lamongan.akta-kelahiran" in Path(received).read_text())
    finally:
        listening.terminate()
        listening.wait(30)


def test_the_agencies_are_simulated_and_asked(dev: DevBus) -> None:
    addresses = dict(
        re.findall(r"(\w+) (http://127\.0\.0\.1:\d+)", dev.printed.partition("\nagencies ")[2].partition("\n")[0])
    )
    assert addresses.keys() == {"bappenas", "kemendagri", "kominfo", "ksp", "pupr"}
    environment = dev.environment("dinkes")
    ask = """
        TOKEN=$(curl -s -u "$BUS_CLIENT_ID:$BUS_CLIENT_SECRET" -d grant_type=client_credentials "$BUS_URL/oauth/token" |
          cut -d'"' -f4)
        curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"nik": "3524010101909001"}' \\
          "$BUS_URL/v1/queries/kependudukan.cari-nik"
    """
    done = subprocess.run(["bash", "-c", ask], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "ditemukan" in json.loads(done.stdout), done.stdout


def test_no_other_user_reads_the_secrets(dev: DevBus) -> None:
    kept = [dev.folder, *dev.folder.glob("*.env"), dev.folder / "dev.json"]
    assert len(kept) > 10
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_the_next_start_keeps_every_client(made: Path) -> None:
    before = Notebook.open(made).clients
    assert prepared(made, "kantor-baru").clients.items() > before.items()


def test_every_office_and_agency_of_a_contract_has_a_client(made: Path) -> None:
    notebook = Notebook.open(made)
    with open_dev_bus(notebook, Wakeups()) as workspace:
        contracts = read_contracts(workspace)
    named = {name for one in contracts for name in (*one.producers, *(grant.participant for grant in one.grants))}
    assert len(contracts) >= 14
    assert named <= notebook.clients.keys()


def test_each_shipped_participant_has_its_title(made: Path) -> None:
    with open_dev_bus(Notebook.open(made), Wakeups()) as workspace:
        assert Participants(workspace.storage).get("bapenda").title == "Badan Pendapatan Daerah"


def test_agencies_of_documents_may_be_on_this_machine(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_AGENCY_NETWORKS", "10.30.0.0/16")
    with open_dev_bus(Notebook.open(made), Wakeups()) as workspace:
        networks = [str(one) for one in workspace.settings.agency_networks]
    assert networks == ["10.30.0.0/16", "127.0.0.0/8", "::1/128"]


def test_a_revoked_client_is_replaced(made: Path) -> None:
    notebook = Notebook.open(made)
    lost = notebook.clients["bpkad"].client_id
    with open_dev_bus(notebook, Wakeups()) as workspace:
        Participants(workspace.storage).revoke_client("bpkad", lost, OPERATOR)
    assert prepared(made).clients["bpkad"].client_id != lost


def test_a_start_that_was_broken_off_can_be_begun_again(tmp_path: Path) -> None:
    notebook = Notebook.open(tmp_path / "bus")
    with open_dev_bus(notebook, Wakeups()):
        assert not notebook.has_contracts
    assert OFFICE in prepared(tmp_path / "bus").clients


def test_agencies_that_nobody_set_up_are_no_trouble_of_a_development_bus(made: Path, bus: Commands) -> None:
    notebook = Notebook.open(made)
    introduction = "\n".join(write_introduction("http://127.0.0.1:1", notebook, OFFICE, [], None))
    assert "`bus dev --agencies` runs a simulator of each ministry" in introduction
    shown = bus("doctor", "--data", str(made))
    assert (shown.code, "without-settings" in bus("doctor", "--json", "--data", str(made)).out) == (0, False)
    assert shown.out.count("`bus dev --agencies` runs a simulator of each ministry") == 1


def test_another_bus_is_left_alone(bus: Commands) -> None:
    refused = bus("dev")
    assert refused.code == 1
    assert "did not make" in refused.err
    assert bus("client", "list", "operator").out.count("active") == 1


def test_a_folder_with_a_database_alone_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bus.db").touch()
    with pytest.raises(NotForDevelopment):
        Notebook.open(tmp_path)


def test_the_usual_port_may_be_taken_at_the_first_start_alone(tmp_path: Path) -> None:
    notebook = Notebook.open(tmp_path / "bus")
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        _listen(notebook, None, taken).close()
        assert notebook.port != taken
        notebook.port = taken
        with pytest.raises(PortTaken, match="Choose another port"):
            _listen(notebook, None)


def test_an_office_that_no_contract_names_is_told_so(made: Path) -> None:
    notebook = prepared(made, "kantor-baru")
    lines = list(write_introduction("http://127.0.0.1:8080", notebook, "kantor-baru", []))
    assert any("No contract names kantor-baru" in line for line in lines)
    assert not any("curl" in line for line in lines)
