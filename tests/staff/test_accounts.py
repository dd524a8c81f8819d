"""Accounts: their roles, links that work once, and what the database keeps of secrets."""

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import Verb
from bus.identity import Keys
from bus.staff.account import Role
from bus.staff.accounts import Accounts, check_authenticators, reencrypt_authenticators
from bus.staff.errors import (
    CodeRefused,
    LinkUnusable,
    ParticipantMismatch,
    PasswordRefused,
    StaffDisabled,
    StaffExists,
    StaffNameRefused,
)
from bus.staff.sessions import Sessions
from bus.staff.tables import STAFF, STAFF_LINKS
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions
from tests.staff.a_member import PASSWORD

FROM = "10.1.2.3"


def code_of(accounts: Accounts, link: str) -> str:
    return pyotp.TOTP(accounts.read_link(link).totp_secret).now()


def everything(storage: Storage) -> str:
    with storage.read() as transaction:
        return "".join(repr(tuple(row)) for table in (STAFF, STAFF_LINKS) for row in transaction.rows(sa.select(table)))


def test_a_link_sets_an_account_up_once(accounts: Accounts, storage: Storage):
    link = accounts.add("siti", Role.APP_OWNER, "bapenda", OPERATOR)
    code = code_of(accounts, link)
    assert accounts.set_up(link, PASSWORD, code, FROM).participant == "bapenda"
    with pytest.raises(LinkUnusable):
        accounts.set_up(link, PASSWORD, code, FROM)
    (account,) = accounts.list_page(10)
    assert (account.name, account.role, account.is_set_up, account.is_disabled) == ("siti", Role.APP_OWNER, True, False)
    assert [one.what for one in actions(storage)][-3:] == [Verb.STAFF_ADD, Verb.STAFF_LINK, Verb.STAFF_PROOF]


def test_no_secret_is_stored_as_it_is(accounts: Accounts, storage: Storage):
    link = accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    totp = accounts.read_link(link).totp_secret
    before = everything(storage)
    accounts.set_up(link, PASSWORD, code_of(accounts, link), FROM)
    assert not [one for one in (link, totp, PASSWORD) if one in before + everything(storage)]


@pytest.mark.parametrize("spoil", ["ended", "disabled", "unknown"])
def test_a_link_that_ended_works_no_more(accounts: Accounts, storage: Storage, spoil: str):
    link = accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    if spoil == "disabled":
        accounts.disable("siti", OPERATOR)
    elif spoil == "ended":
        past = clock.micros(clock.now() - timedelta(seconds=1))
        with storage.write() as transaction:
            transaction.execute(sa.update(STAFF_LINKS).values(ends_at=past))
    else:
        link += "x"
    with pytest.raises(LinkUnusable):
        accounts.read_link(link)
    with pytest.raises(LinkUnusable):
        accounts.set_up(link, PASSWORD, "000000", FROM)


@pytest.mark.parametrize("password", ["pendek", "x" * 129, "siti siti siti", "aaaaaaaaaaaaaaaa"])
def test_a_weak_password_leaves_the_link_usable(accounts: Accounts, password: str):
    link = accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    with pytest.raises(PasswordRefused):
        accounts.set_up(link, password, code_of(accounts, link), FROM)
    accounts.set_up(link, PASSWORD, code_of(accounts, link), FROM)


@pytest.mark.parametrize("code", ["", "abc123", "00000", "٠٠٠٠٠٠"])
def test_a_wrong_code_sets_nothing_up(accounts: Accounts, code: str):
    link = accounts.add("siti", Role.OPERATOR, None, OPERATOR)
    with pytest.raises(CodeRefused):
        accounts.set_up(link, PASSWORD, code, FROM)
    assert not accounts.list_page(1)[0].is_set_up


def test_a_new_link_ends_sessions_and_the_old_proof_when_it_is_used(accounts: Accounts, sessions: Sessions, siti: str):
    account = accounts.list_page(1)[0]
    session = sessions.open(account, FROM, "")
    link = accounts.make_link("siti", OPERATOR)
    assert sessions.find(session)
    accounts.set_up(link, "sandi lain sekali", code_of(accounts, link), FROM)
    assert sessions.find(session) is None


def test_a_disabled_account_is_out_at_once(accounts: Accounts, sessions: Sessions, siti: str):
    session = sessions.open(accounts.list_page(1)[0], FROM, "")
    accounts.disable("siti", OPERATOR)
    assert sessions.find(session) is None
    assert accounts.find_proofs("siti") is None
    with pytest.raises(StaffDisabled):
        accounts.make_link("siti", OPERATOR)


def test_the_link_of_the_command_line_opens_once_and_sets_nothing(accounts: Accounts):
    link = accounts.make_opening(OPERATOR)
    with pytest.raises(LinkUnusable):
        accounts.set_up(link, PASSWORD, "000000", FROM)
    assert accounts.open(link).role is Role.OPERATOR
    with pytest.raises(LinkUnusable):
        accounts.open(link)
    with pytest.raises(LinkUnusable):
        accounts.open(accounts.add("siti", Role.OPERATOR, None, OPERATOR))


def test_who_shuts_out_the_command_line_ends_its_sessions_and_locks_nobody_out(accounts: Accounts, sessions: Sessions):
    session = sessions.open(accounts.open(accounts.make_opening(OPERATOR)), "10.1.2.3", "Uji")
    link = accounts.make_opening(OPERATOR)
    accounts.disable("baris-perintah", OPERATOR)
    assert sessions.find(session) is None
    with pytest.raises(LinkUnusable):
        accounts.open(link)
    assert accounts.open(accounts.make_opening(OPERATOR)).name == "baris-perintah"


@pytest.mark.parametrize("role", Role)
def test_a_role_has_a_participant_or_none(accounts: Accounts, role: Role):
    needs = role in (Role.APP_OWNER, Role.CONTRACT_OWNER)
    with pytest.raises(ParticipantMismatch):
        accounts.add("siti", role, None if needs else "bapenda", OPERATOR)
    accounts.add("siti", role, "bapenda" if needs else None, OPERATOR)
    assert accounts.list_page(1)[0].act_from(FROM).is_operator is (role is Role.OPERATOR)


@pytest.mark.parametrize("name", ["", "S", "siti!", "1siti", "baris-perintah", "siti\n"])
def test_a_name_is_plain(accounts: Accounts, name: str):
    with pytest.raises(StaffNameRefused, match="2 to 63 small letters"):
        accounts.add(name, Role.OPERATOR, None, OPERATOR)


def test_a_name_belongs_to_one_account(accounts: Accounts, siti: str):
    with pytest.raises(StaffExists):
        accounts.add("siti", Role.AUDITOR, None, OPERATOR)


def test_authenticators_follow_new_keys(accounts: Accounts, storage: Storage, bus_keys: Keys, siti: str):
    with storage.write() as transaction:
        check_authenticators(transaction, bus_keys)
        assert reencrypt_authenticators(transaction, bus_keys) == 0
    proofs = accounts.find_proofs("siti")
    assert proofs is not None
    assert proofs.totp_secret == siti
