"""`bus participant` and `bus client`, on a data folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from joserfc.jwk import OKPKey
from typer.testing import CliRunner

from bus import json, shipped
from bus.cli.participant import client, participant
from bus.cli.participant_apply import RosterUnreadable
from bus.contracts import load_contract, read_yaml
from bus.identity import read_roster, secrets
from bus.identity.contacts import ContactRefused
from bus.identity.errors import KindRefused, NothingToChange, ParticipantUnknown, ScopeUnknown
from bus.identity.keys import create_keys
from bus.identity.participants import Participants
from bus.limits import LimitsRefused
from bus.storage import open_storage, upgrade
from samples.offices import AGENCIES, OFFICES
from tests.contracts.documents import SHIPPED

Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    storage.close()
    return tmp_path


@pytest.fixture
def bus(data: Path) -> Run:
    """`bus("client", "list", "bapenda")`: runs the command, and raises what it raises."""
    apps = {"participant": participant, "client": client}

    def run(app: str, *arguments: str) -> Result:
        result = CliRunner().invoke(apps[app], [*arguments, "--data", str(data)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    run("participant", "add", "bapenda", "--kind", "app", "--title", "Badan Pendapatan Daerah")
    return run


def test_a_participant_is_added_and_listed(bus: Run):
    listed = bus("participant", "list", "--json").stdout
    assert json.loads(listed) == {"name": "bapenda", "kind": "app", "title": "Badan Pendapatan Daerah"}


def test_a_contact_is_set_listed_and_taken_away(bus: Run):
    bus("participant", "set", "bapenda", "--contact", "tik@bapenda.example")
    assert json.loads(bus("participant", "list", "--json").stdout)["contact"] == "tik@bapenda.example"
    with pytest.raises(ContactRefused):
        bus("participant", "set", "bapenda", "--contact", "tik@bapenda.example\nBcc: orang@lain.example")
    bus("participant", "set", "bapenda", "--contact", "")
    assert "contact" not in json.loads(bus("participant", "list", "--json").stdout)


def test_the_command_makes_no_operator(bus: Run):
    with pytest.raises(KindRefused):
        bus("participant", "add", "raja", "--kind", "operator")


def test_an_unknown_kind_is_wrong_usage(bus: Run):
    assert bus("participant", "add", "raja", "--kind", "king").exit_code == 2


@pytest.mark.parametrize("scopes", [["events.read", "admin"], ["events.read,admin"], ["events.read admin"]])
def test_a_new_clients_secret_fits(bus: Run, data: Path, scopes: list[str]):
    options = [part for scope in scopes for part in ("--scope", scope)]
    made = json.loads(bus("client", "add", "bapenda", *options, "--json").stdout)
    participants = Participants(open_storage(f"sqlite:///{data / 'bus.db'}"))
    credentials = participants.find_credentials(made["client_id"])
    assert credentials is not None
    assert credentials.client.scopes == {"events.read", "admin"}
    assert secrets.fits(made["client_secret"], credentials.secret_hash)


def test_a_revoked_client_is_listed_as_such(bus: Run):
    made = json.loads(bus("client", "add", "bapenda", "--scope", "events.read", "--json").stdout)
    bus("client", "revoke", "bapenda", made["client_id"])
    listed = json.loads(bus("client", "list", "bapenda", "--json").stdout)
    assert listed == {"client_id": made["client_id"], "state": "revoked", "scopes": "events.read"}


def test_what_is_unknown_is_refused(bus: Run):
    with pytest.raises(ParticipantUnknown):
        bus("client", "add", "dinkes", "--scope", "events.read")
    with pytest.raises(ScopeUnknown):
        bus("client", "add", "bapenda", "--scope", "root")


def test_a_client_without_a_scope_is_wrong_usage(bus: Run):
    assert bus("client", "add", "bapenda").exit_code == 2


def test_limits_are_shown_and_changed(bus: Run):
    assert "publish\t20000/10s\n" in bus("participant", "limits", "bapenda").stdout
    shown = bus("participant", "limits", "bapenda", "--set", "publish=5/s", "--set", "drafts=7").stdout
    assert "publish\t5/1s\town\n" in shown
    assert "drafts\t7\town\n" in shown
    changed = json.loads(bus("participant", "limits", "bapenda", "--set", "drafts=default", "--json").stdout)
    assert changed["limits"] == {"publish": "5/1s"}
    assert changed["in_force"]["drafts"] == 200


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nobody",), ParticipantUnknown),
        (("bapenda", "--set", "speed=5/s"), LimitsRefused),
        (("bapenda", "--set", "publish=fast"), LimitsRefused),
    ],
)
def test_limits_that_cannot_be_are_refused(bus: Run, arguments: tuple[str, ...], error: type[Exception]):
    with pytest.raises(error):
        bus("participant", "limits", *arguments)


def test_a_limit_without_a_value_is_wrong_usage(bus: Run):
    assert bus("participant", "limits", "bapenda", "--set", "publish").exit_code == 2


def test_a_clients_scopes_are_changed_and_its_secret_stays(bus: Run, data: Path):
    made = json.loads(bus("client", "add", "bapenda", "--scope", "events.read", "--json").stdout)
    changed = bus("client", "update", "bapenda", made["client_id"], "--scope", "events.read,admin", "--json")
    assert json.loads(changed.stdout) == {"client_id": made["client_id"], "scopes": "admin events.read"}
    storage = open_storage(f"sqlite:///{data / 'bus.db'}")
    credentials = Participants(storage).find_credentials(made["client_id"])
    storage.close()
    assert credentials is not None
    assert secrets.fits(made["client_secret"], credentials.secret_hash)


def test_a_client_with_a_file_of_keys_has_no_secret(bus: Run, data: Path, tmp_path: Path):
    file = tmp_path / "jwks.json"
    file.write_bytes(json.dumps({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}))
    options = ["--scope", "events.read", "--jwks", str(file), "--json"]
    made = json.loads(bus("client", "add", "bapenda", *options).stdout)
    assert made.keys() == {"client_id"}
    assert bus("client", "update", "bapenda", made["client_id"], "--jwks", str(file)).exit_code == 0
    file.write_bytes(b"[]")
    assert bus("client", "update", "bapenda", made["client_id"], "--jwks", str(file)).exit_code == 2
    assert bus("client", "update", "bapenda", made["client_id"], "--jwks", str(tmp_path / "none")).exit_code == 2


def test_a_change_of_a_client_that_changes_nothing_is_refused(bus: Run):
    made = json.loads(bus("client", "add", "bapenda", "--scope", "events.read", "--json").stdout)
    with pytest.raises(NothingToChange):
        bus("client", "update", "bapenda", made["client_id"])


def test_the_shipped_list_is_applied_once_and_names_all_whom_the_shipped_contracts_name(bus: Run):
    assert "add dukcapil-lamongan" in bus("participant", "apply", "--shipped", "--dry-run").stdout
    assert "nothing was changed" in bus("participant", "apply", "--shipped", "--dry-run").stdout
    assert "applied" in bus("participant", "apply", "--shipped").stdout
    assert bus("participant", "apply", "--shipped").stdout.endswith("nothing to do\n")
    known = {json.loads(line)["name"] for line in bus("participant", "list", "--json").stdout.splitlines()}
    contracts = [load_contract(path) for path in SHIPPED]
    named = {one for contract in contracts for one in (contract.owner, *contract.producers)}
    assert named | {grant.participant for contract in contracts for grant in contract.grants} <= known


def test_the_shipped_list_and_the_sample_apps_have_the_same_titles():
    told = {one.name: one.title for one in read_roster(read_yaml(shipped.PARTICIPANTS.read_bytes()))}
    expected = {name: office.title for name, office in OFFICES.items()} | dict(AGENCIES)
    assert {name: told[name] for name in expected} == expected


def test_a_list_and_the_shipped_list_together_are_wrong_usage(bus: Run, tmp_path: Path):
    assert bus("participant", "apply").exit_code == 2
    assert bus("participant", "apply", "--shipped", str(tmp_path / "x.yaml")).exit_code == 2


def test_a_list_that_cannot_be_read_is_refused(bus: Run, tmp_path: Path):
    with pytest.raises(RosterUnreadable):
        bus("participant", "apply", str(tmp_path / "none.yaml"))
