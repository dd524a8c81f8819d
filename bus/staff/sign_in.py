"""Sign-in: whether something proves an account, with a bound on guesses and on the work that anybody can cause.

Promise: an answer and its time do not tell whether an account exists. Each code counts once.
"""

import asyncio
from functools import partial
from typing import Final

from bus import clock
from bus.actions import Attempts, make_failed_sign_in
from bus.heavy import Shares, Threads
from bus.household import name_household
from bus.identity import LoginPolicy, WrongLogins
from bus.staff.account import Account
from bus.staff.accounts import Accounts, Proofs
from bus.staff.authenticator import find_step
from bus.staff.errors import SignInRefused
from bus.staff.identities import Identities
from bus.staff.passkeys import Passkeys
from bus.staff.provider import Provider
from bus.staff.relying_party import RelyingParty

_HASHING: Final = Shares(at_once=2, each=1, waiting=32, waiting_each=4, patience=10.0)
"""Password hashes at once, and for each address: each hash takes 64 MiB and a tenth of a second."""
_NO_STEPS: Final = Shares(at_once=1, each=1, waiting=1)


class SignIn:
    """Judges sign-ins. Belongs to one event loop.

    Attributes:
        provider: the identity provider; None: the bus has none.
    """

    def __init__(
        self,
        accounts: Accounts,
        passkeys: Passkeys,
        identities: Identities,
        policy: LoginPolicy,
        attempts: Attempts,
        provider: Provider | None = None,
    ) -> None:
        self.provider = provider
        self._identities = identities
        self._accounts = accounts
        self._passkeys = passkeys
        self._wrong = WrongLogins(policy)
        self._attempts = attempts
        self._hashing = Threads(_HASHING, _NO_STEPS)

    async def prove(self, name: str, password: str, code: str, address: str) -> Account:
        """The account that name, password and code prove.

        Raises:
            LoginsLimited: too many sign-ins of this account or address failed.
            SignInRefused: something is wrong.
        """
        self._wrong.check(name, address)
        # Counted as a failure before the check, so that the bound also holds for checks that run side by side.
        self._wrong.note_failure(name, address)
        proofs = await asyncio.to_thread(self._accounts.find_proofs, name)
        judge = partial(self._judge, proofs, password, code)
        if not await self._hashing.run(judge, who=name_household(address)) or proofs is None:
            account = None if proofs is None else proofs.account
            name_known = None if account is None else account.name
            participant = None if account is None else account.participant
            self._attempts.note(make_failed_sign_in(name_known, participant, address))
            raise SignInRefused("Name, password or code are wrong.")
        self._wrong.forgive(name, address)
        self._wrong.note_proof(name, address)
        return proofs.account

    async def set_up(self, secret: str, password: str, code: str, address: str) -> Account:
        """Use a link to set an account up, in a turn of the threads that hash; see `Accounts.set_up`."""
        work = partial(self._accounts.set_up, secret, password, code, address)
        return await self._hashing.run(work, who=name_household(address))

    async def prove_by_passkey(self, text: str, bound: str, party: RelyingParty, address: str) -> Account:
        """The account that a passkey proves; see `Passkeys.prove`. A failure is in the action log.

        Raises:
            SignInRefused: something is wrong.
        """
        try:
            return await asyncio.to_thread(self._passkeys.prove, text, bound, party)
        except SignInRefused:
            # Nobody guesses a signature. So failures are noted, and not counted against an account.
            self._attempts.note(make_failed_sign_in(None, None, address))
            raise

    async def prove_by_provider(self, code: str, state: str, bound: str, callback: str, address: str) -> Account:
        """The account of who came back from the identity provider; see `Provider.prove` and `Identities.admit`.

        Raises:
            LoginsLimited: too many sign-ins of this address failed.
            SignInRefused, ClaimRefused, ProviderUnavailable: see the classes.
        """
        if self.provider is None:
            raise SignInRefused("This bus knows no identity provider.")
        # Each answer asks the provider. So an address that sends wrong ones is stopped before.
        self._wrong.check("", address)
        self._wrong.note_failure("", address)
        try:
            identity = await self.provider.prove(code, state, bound, callback)
            await asyncio.to_thread(self.provider.use, state)
            account = await asyncio.to_thread(self._identities.admit, identity, address)
        except SignInRefused:
            self._attempts.note(make_failed_sign_in(None, None, address))
            raise
        self._wrong.forgive("", address)
        return account

    def close(self) -> None:
        """Let the threads end."""
        self._hashing.close()

    def _judge(self, proofs: Proofs | None, password: str, code: str) -> bool:
        """Whether both factors are right. Both are looked at, so that the time does not tell which one is wrong."""
        is_known = self._accounts.passwords.fits(password, None if proofs is None else proofs.password_hash)
        if proofs is None or proofs.totp_secret is None:
            return False
        step = find_step(proofs.totp_secret, code, clock.now())
        return is_known and step is not None and self._accounts.use_step(proofs.account.name, step)
