"""Settings that changed at a start: who set what, without secrets."""

from typing import Any

import pytest
from pydantic import SecretStr

from bus.actions.action import Action, Verb
from bus.actions.actor import Channel
from bus.actions.tables import STARTS
from bus.cli.start import note_start
from bus.settings import Settings
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions, raw_log

KEY = b"k" * 32
ROLES = ("api", "relay")
DATABASE = "postgresql://bus:rahasia@db.lan/bus"


def start(storage: Storage, roles: tuple[str, ...] = ROLES, **settings: Any) -> list[Action]:
    """The entries of a start."""
    before = len(_changes(storage))
    with storage.write() as transaction:
        note_start(transaction, Settings(**settings), roles, OPERATOR, KEY)
    return _changes(storage)[before:]


def _changes(storage: Storage) -> list[Action]:
    return [one for one in actions(storage) if one.what is Verb.SETTINGS_CHANGE]


def test_the_first_start_tells_what_is_not_as_it_comes(storage: Storage):
    (told,) = start(storage, token_seconds=60)
    assert (told.before, told.after) == ({"token_seconds": "600"}, {"token_seconds": "60"})
    assert told.details == {"first_start": True}
    assert (told.by.user, told.by.channel) == ("budi", Channel.CLI)


def test_a_start_like_the_last_one_tells_nothing(storage: Storage):
    start(storage, token_seconds=60, database_url=DATABASE)
    assert start(storage, token_seconds=60, database_url=DATABASE) == []


def test_a_setting_that_changed_is_told_as_it_was_and_is(storage: Storage):
    start(storage, sink_networks="10.0.0.0/8")
    (told,) = start(storage, sink_networks="10.0.0.0/8,127.0.0.0/8")
    assert told.before == {"sink_networks": "10.0.0.0/8"}
    assert told.after == {"sink_networks": "10.0.0.0/8,127.0.0.0/8"}


def test_processes_of_other_roles_have_settings_of_their_own(storage: Storage):
    start(storage, token_seconds=60)
    start(storage, ("worker",))
    assert start(storage, token_seconds=60) == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"database_url": DATABASE}, {"database_url": DATABASE.replace("rahasia", "sandi-baru")}),
        (
            {"adapters": {"kemendagri": {"base_url": "https://a.example", "password": "rahasia"}}},
            {"adapters": {"kemendagri": {"base_url": "https://a.example", "password": "sandi-baru"}}},
        ),
    ],
)
def test_a_secret_that_changed_is_told_and_not_shown(storage: Storage, first: dict[str, Any], then: dict[str, Any]):
    start(storage, **first)
    (told,) = start(storage, **then)
    assert told.before is not None
    assert told.after is not None
    assert [str(one).endswith(" (changed)") for one in told.after.values()] == [True]
    with storage.read() as transaction:
        kept = str(transaction.rows(STARTS.select()))
    for secret in ("rahasia", "sandi-baru"):
        assert secret not in kept + raw_log(storage)


def test_a_new_adapter_is_told_by_its_address(storage: Storage):
    start(storage)
    (told,) = start(storage, adapters={"pupr": {"base_url": "https://pupr.example/api", "token": "rahasia"}})
    assert told.before == {"adapters.pupr.base_url": None, "adapters.pupr.token": None}
    assert told.after == {
        "adapters.pupr.base_url": "https://pupr.example/api",
        "adapters.pupr.token": "(secret) (changed)",
    }


def test_no_setting_has_a_secret_s_name_and_is_shown():
    known_as_secret = {"database_url", "broker_url", "adapters"}
    suspects = ("password", "secret", "key", "token", "credential", "dsn")
    fields = {name: one.annotation for name, one in Settings.model_fields.items() if name not in known_as_secret}
    assert [name for name, kind in fields.items() if name.endswith(suspects) and kind is not SecretStr] == []
