"""The room's parts in one process of the bus."""

from dataclasses import dataclass

from bus.staff.accounts import Accounts
from bus.staff.passkeys import Passkeys
from bus.staff.sessions import Sessions
from bus.staff.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class Staff:
    """The register of accounts, their passkeys, the sessions, and the sign-in that opens them."""

    accounts: Accounts
    passkeys: Passkeys
    sessions: Sessions
    sign_in: SignIn
