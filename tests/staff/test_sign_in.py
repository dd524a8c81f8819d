"""Sign-in: both factors, each code once, and no more guesses than the policy allows."""

from collections.abc import Iterator

import pyotp
import pytest
from argon2 import Type, extract_parameters

from bus.actions import ActionLog, Attempts, Verb
from bus.identity import LoginPolicy
from bus.limits import Limited, Rate
from bus.staff.accounts import Accounts
from bus.staff.errors import SignInRefused
from bus.staff.identities import Identities
from bus.staff.passkeys import Passkeys
from bus.staff.passwords import Passwords
from bus.staff.sign_in import SignIn
from bus.storage import Storage
from tests.an_actor import actions
from tests.staff.a_member import PASSWORD, next_code

FROM, ELSEWHERE = "10.1.2.3", "10.9.9.9"


@pytest.fixture
def attempts(storage: Storage) -> Attempts:
    return Attempts(ActionLog(storage))


@pytest.fixture
def sign_in(accounts: Accounts, passkeys: Passkeys, storage: Storage, attempts: Attempts) -> Iterator[SignIn]:
    made = SignIn(
        accounts, passkeys, Identities(storage), LoginPolicy(Rate(3, 900), Rate(3, 900), Rate(100, 60)), attempts
    )
    yield made
    made.close()


async def test_both_factors_prove_an_account_and_a_code_counts_once(sign_in: SignIn, siti: str):
    code = next_code(siti)
    assert (await sign_in.prove("siti", PASSWORD, code, FROM)).name == "siti"
    with pytest.raises(SignInRefused):
        await sign_in.prove("siti", PASSWORD, code, FROM)


@pytest.mark.parametrize("wrong", ["name", "password", "code", "old code"])
async def test_one_wrong_part_is_enough_and_is_not_named(
    sign_in: SignIn, siti: str, attempts: Attempts, storage: Storage, wrong: str
):
    # The code that set the account up was used.
    code = {"code": "000000", "old code": pyotp.TOTP(siti).now()}.get(wrong) or next_code(siti)
    with pytest.raises(SignInRefused) as refusal:
        await sign_in.prove(
            "sitti" if wrong == "name" else "siti", "sandi yang salah" if wrong == "password" else PASSWORD, code, FROM
        )
    assert refusal.value.detail == "Name, password or code are wrong."
    attempts.flush(all=True)
    (told,) = [one for one in actions(storage) if one.what is Verb.LOGIN_FAIL]
    assert told.on.id == ("(unknown)" if wrong == "name" else "siti")


async def test_guesses_end_and_a_member_known_here_is_not_locked_out(sign_in: SignIn, siti: str):
    await sign_in.prove("siti", PASSWORD, next_code(siti), FROM)
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await sign_in.prove("siti", "tebakan orang lain", "000000", ELSEWHERE)
    with pytest.raises(Limited):
        await sign_in.prove("siti", PASSWORD, next_code(siti), ELSEWHERE)
    # Here the right proof is still looked at: its code was used, so it is wrong, and not limited.
    with pytest.raises(SignInRefused):
        await sign_in.prove("siti", PASSWORD, next_code(siti), FROM)


def test_a_password_of_nobody_takes_the_same_hash():
    """A hash that the library cannot read would be refused at once, and the time would tell that nobody has the name."""
    passwords = Passwords()
    parameters = extract_parameters(passwords._nobodys)
    assert parameters == extract_parameters(passwords.hash(PASSWORD))
    assert (parameters.type, parameters.memory_cost >= 65_536, parameters.time_cost >= 3) == (Type.ID, True, True)
    assert not passwords.fits(PASSWORD, None)
