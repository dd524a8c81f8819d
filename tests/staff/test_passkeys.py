"""Passkeys: made at a link or later, used once a challenge, refused where anything about the answer is wrong, removed."""

import json
from datetime import timedelta

import pytest

from bus import clock
from bus.actions import Verb
from bus.staff.account import Account, Role
from bus.staff.accounts import Accounts
from bus.staff.errors import ChallengeUnusable, LastProof, LinkUnusable, PasskeyRefused, PasskeyUnknown, SignInRefused
from bus.staff.passkeys import Passkeys
from bus.staff.relying_party import RelyingParty, find_relying_party
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions
from tests.staff.an_authenticator import ORIGIN, Authenticator, decode, encode

PARTY = RelyingParty("bus.example", ORIGIN)
BOUND, ELSEWHERE, FROM = "cookie-a", "cookie-b", "10.1.2.3"


@pytest.fixture
def phone(accounts: Accounts, passkeys: Passkeys) -> Authenticator:
    """The device of Rini, whose account a link set up with a passkey."""
    phone, link = Authenticator(), accounts.add("rini", Role.AUDITOR, None, OPERATOR)
    asked = passkeys.ask_creation(accounts.read_link(link).account, BOUND, PARTY)
    passkeys.set_up(link, phone.create(asked), "ponsel", BOUND, PARTY, FROM)
    return phone


@pytest.fixture
def rini(accounts: Accounts, phone: Authenticator) -> Account:
    (account,) = accounts.list_page(10)
    return account


def test_a_link_sets_a_passkey_which_then_proves_the_account(phone: Authenticator, rini: Account, passkeys: Passkeys):
    assert (rini.has_passkey, rini.has_password, rini.is_set_up) == (True, False, True)
    assert passkeys.prove(phone.sign(passkeys.ask_proof(BOUND, PARTY)), BOUND, PARTY).name == "rini"
    (known,) = passkeys.list_of(rini)
    assert (known.label, known.used_at is not None) == ("ponsel", True)


def test_a_link_with_a_passkey_works_once_and_forgets_what_proved_the_account(
    accounts: Accounts, passkeys: Passkeys, siti: str
):
    (account,) = accounts.list_page(10)
    link, phone = accounts.make_link("siti", OPERATOR), Authenticator()
    passkeys.set_up(link, phone.create(passkeys.ask_creation(account, BOUND, PARTY)), "", BOUND, PARTY, FROM)
    (account,) = accounts.list_page(10)
    assert (account.has_password, account.has_passkey) == (False, True)
    with pytest.raises(LinkUnusable):
        passkeys.set_up(link, "{}", "", BOUND, PARTY, FROM)


def test_an_answer_counts_once(phone: Authenticator, passkeys: Passkeys):
    phone.counts = False
    answer = phone.sign(passkeys.ask_proof(BOUND, PARTY))
    passkeys.prove(answer, BOUND, PARTY)
    with pytest.raises(SignInRefused, match="used before"):
        passkeys.prove(answer, BOUND, PARTY)
    again = phone.sign(json.dumps(json.loads(passkeys.ask_proof(BOUND, PARTY)) | {"challenge": _challenge_of(answer)}))
    with pytest.raises(SignInRefused, match="used before"):
        passkeys.prove(again, BOUND, PARTY)


def _challenge_of(answer: str) -> str:
    challenge: str = json.loads(decode(json.loads(answer)["response"]["clientDataJSON"]))["challenge"]
    return challenge


def test_a_challenge_is_of_one_browser_and_one_purpose(phone: Authenticator, rini: Account, passkeys: Passkeys):
    with pytest.raises(SignInRefused, match="another browser"):
        passkeys.prove(phone.sign(passkeys.ask_proof(ELSEWHERE, PARTY)), BOUND, PARTY)
    creating = json.loads(passkeys.ask_creation(rini, BOUND, PARTY))
    with pytest.raises(SignInRefused, match="another browser"):
        passkeys.prove(phone.sign(json.dumps(creating | {"rpId": "bus.example"})), BOUND, PARTY)
    with pytest.raises(SignInRefused):
        passkeys.prove(phone.sign(passkeys.ask_proof("", PARTY)), "", PARTY)


def test_a_challenge_ends(phone: Authenticator, passkeys: Passkeys, monkeypatch: pytest.MonkeyPatch):
    asked = passkeys.ask_proof(BOUND, PARTY)
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(SignInRefused, match="ended"):
        passkeys.prove(phone.sign(asked), BOUND, PARTY)


def test_a_challenge_of_somebody_else_is_refused(phone: Authenticator, passkeys: Passkeys):
    asked = json.loads(passkeys.ask_proof(BOUND, PARTY))
    for made in (b"", b"x" * 56, bytes(56)):
        with pytest.raises(SignInRefused):
            passkeys.prove(phone.sign(json.dumps(asked | {"challenge": encode(made)})), BOUND, PARTY)


@pytest.mark.parametrize(
    "changes",
    [{"origin": "https://bus.example.evil.example"}, {"origin": "http://bus.example"}, {"type": "webauthn.create"}],
)
def test_an_answer_from_another_site_is_refused(phone: Authenticator, passkeys: Passkeys, changes: dict[str, str]):
    with pytest.raises(SignInRefused):
        passkeys.prove(phone.sign(passkeys.ask_proof(BOUND, PARTY), **changes), BOUND, PARTY)


def test_an_answer_for_another_host_or_without_its_owner_is_refused(phone: Authenticator, passkeys: Passkeys):
    asked = passkeys.ask_proof(BOUND, PARTY)
    with pytest.raises(SignInRefused):
        passkeys.prove(phone.sign(json.dumps(json.loads(asked) | {"rpId": "evil.example"})), BOUND, PARTY)
    phone.verifies = False
    with pytest.raises(SignInRefused):
        passkeys.prove(phone.sign(asked), BOUND, PARTY)


def test_a_copied_passkey_is_refused_by_its_count(phone: Authenticator, passkeys: Passkeys):
    for _ in range(2):
        passkeys.prove(phone.sign(passkeys.ask_proof(BOUND, PARTY)), BOUND, PARTY)
    phone.count = 1
    with pytest.raises(SignInRefused):
        passkeys.prove(phone.sign(passkeys.ask_proof(BOUND, PARTY)), BOUND, PARTY)


def test_another_key_with_the_same_id_is_refused(phone: Authenticator, passkeys: Passkeys):
    thief = Authenticator(id=phone.id, count=9)
    with pytest.raises(SignInRefused):
        passkeys.prove(thief.sign(passkeys.ask_proof(BOUND, PARTY)), BOUND, PARTY)


def test_an_unknown_passkey_and_that_of_a_disabled_account_are_refused_alike(
    phone: Authenticator, accounts: Accounts, passkeys: Passkeys
):
    accounts.disable("rini", OPERATOR)
    told = set()
    for one in (Authenticator(), phone):
        with pytest.raises(SignInRefused) as caught:
            passkeys.prove(one.sign(passkeys.ask_proof(BOUND, PARTY)), BOUND, PARTY)
        told.add(caught.value.detail)
    assert len(told) == 1


@pytest.mark.parametrize("made_by", [{"verifies": False}, {"origin": "https://evil.example"}])
def test_a_passkey_made_elsewhere_or_without_its_owner_is_not_taken(
    rini: Account, passkeys: Passkeys, made_by: dict[str, object]
):
    device = Authenticator(**made_by)  # type: ignore[arg-type]
    with pytest.raises(PasskeyRefused):
        passkeys.add(rini, device.create(passkeys.ask_creation(rini, BOUND, PARTY)), "", BOUND, PARTY, FROM)
    assert len(passkeys.list_of(rini)) == 1


def test_a_passkey_made_for_another_account_is_not_taken(accounts: Accounts, rini: Account, passkeys: Passkeys):
    accounts.add("andi", Role.AUDITOR, None, OPERATOR)
    andi = accounts.list_page(1)[0]
    made = Authenticator().create(passkeys.ask_creation(andi, BOUND, PARTY))
    with pytest.raises(ChallengeUnusable):
        passkeys.add(rini, made, "", BOUND, PARTY, FROM)


def test_a_passkey_in_use_is_not_taken_by_another_account(
    accounts: Accounts, phone: Authenticator, rini: Account, passkeys: Passkeys
):
    link = accounts.add("andi", Role.AUDITOR, None, OPERATOR)
    andi = accounts.read_link(link).account
    with pytest.raises(PasskeyRefused, match="in use"):
        passkeys.set_up(link, phone.create(passkeys.ask_creation(andi, BOUND, PARTY)), "", BOUND, PARTY, FROM)
    assert accounts.read_link(link)
    assert [one.label for one in passkeys.list_of(rini)] == ["ponsel"]


def test_the_last_proof_stays(storage: Storage, rini: Account, passkeys: Passkeys):
    (first,) = passkeys.list_of(rini)
    with pytest.raises(LastProof):
        passkeys.remove(rini, first.id, FROM)
    passkeys.add(rini, Authenticator().create(passkeys.ask_creation(rini, BOUND, PARTY)), "laptop", BOUND, PARTY, FROM)
    passkeys.remove(rini, first.id, FROM)
    assert [one.label for one in passkeys.list_of(rini)] == ["laptop"]
    with pytest.raises(PasskeyUnknown):
        passkeys.remove(rini, first.id, FROM)
    told = [one.what for one in actions(storage)]
    assert told[-2:] == [Verb.STAFF_PASSKEY_ADD, Verb.STAFF_PASSKEY_REMOVE]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '{"id": "a"}', '{"id": 1, "rawId": 1, "response": 1}'])
def test_broken_answers_are_refused(rini: Account, passkeys: Passkeys, text: str):
    with pytest.raises(SignInRefused):
        passkeys.prove(text, BOUND, PARTY)
    with pytest.raises(PasskeyRefused):
        passkeys.add(rini, text, "", BOUND, PARTY, FROM)


def test_answers_with_broken_parts_are_refused(phone: Authenticator, rini: Account, passkeys: Passkeys):
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        for broken in ("", "!", encode(b"{}"), encode(b"\xff" * 40), 7, None):
            answer = json.loads(phone.sign(passkeys.ask_proof(BOUND, PARTY)))
            answer["response"][name] = broken
            with pytest.raises(SignInRefused):
                passkeys.prove(json.dumps(answer), BOUND, PARTY)
    for broken in ("", "!", encode(b"{}"), encode(b"\xa1"), encode(b"\xbf" * 40), 7):
        made = json.loads(Authenticator().create(passkeys.ask_creation(rini, BOUND, PARTY)))
        made["response"]["attestationObject"] = broken
        with pytest.raises(PasskeyRefused):
            passkeys.add(rini, json.dumps(made), "", BOUND, PARTY, FROM)


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://bus.lamongan.example", ("bus.lamongan.example", "https://bus.lamongan.example")),
        ("https://Bus.Lamongan.example:8443/", ("bus.lamongan.example", "https://bus.lamongan.example:8443")),
        ("http://127.0.0.1:8080", ("localhost", "http://localhost:8080")),
        ("http://[::1]:8080", ("localhost", "http://localhost:8080")),
        ("http://localhost:8080", ("localhost", "http://localhost:8080")),
        ("http://bus.lamongan.example", None),
        ("https://10.1.2.3", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_where_browsers_know_passkeys(address: str, party: tuple[str, str] | None):
    found = find_relying_party(address)
    assert (found and (found.id, found.origin)) == party
