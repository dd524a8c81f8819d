"""What the tests of staff share: a register of accounts on an empty database, and a member who is set up."""

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from bus.identity import Keys, Kind, Participants
from bus.staff.account import Role
from bus.staff.accounts import Accounts
from bus.staff.challenges import Challenges
from bus.staff.passkeys import Passkeys
from bus.staff.sessions import Sessions
from bus.storage import Storage, open_storage, upgrade
from tests.an_actor import OPERATOR
from tests.staff.a_member import LIGHT, PASSWORD


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    Participants(storage).add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
    yield storage
    storage.close()


@pytest.fixture
def accounts(storage: Storage, bus_keys: Keys) -> Accounts:
    return Accounts(storage, bus_keys, link_minutes=30, passwords=LIGHT)


@pytest.fixture
def sessions(storage: Storage) -> Sessions:
    return Sessions(storage, idle_minutes=30, longest_hours=12)


@pytest.fixture
def passkeys(storage: Storage, accounts: Accounts, bus_keys: Keys) -> Passkeys:
    return Passkeys(storage, accounts, Challenges(storage, bus_keys))


@pytest.fixture
def siti(accounts: Accounts) -> str:
    """The authenticator's secret of the operator Siti."""
    link = accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    secret = accounts.read_link(link).totp_secret
    accounts.set_up(link, PASSWORD, pyotp.TOTP(secret).now(), "10.1.2.3")
    return secret
