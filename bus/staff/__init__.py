"""Staff: the people who use the console, what proves them, and their sessions.

What the room offers: `Staff` has the parts that one process needs. `Accounts` is the register, which the command line changes
too. `Role` says what a member may see and do; the console decides by it.
"""

from bus.staff.account import OF_PARTICIPANT, Account, Role
from bus.staff.accounts import (
    LINK_PATH,
    Accounts,
    Link,
    Purpose,
    check_authenticators,
    reencrypt_authenticators,
)
from bus.staff.authenticator import write_address
from bus.staff.challenges import Challenges
from bus.staff.errors import (
    ClaimRefused,
    CodeRefused,
    PasskeyRefused,
    PasswordRefused,
    ProviderUnavailable,
    RoleMissing,
    SignInRefused,
)
from bus.staff.identities import Identities
from bus.staff.passkeys import Passkeys
from bus.staff.provider import Provider, ProviderSettings
from bus.staff.relying_party import RelyingParty, find_relying_party
from bus.staff.room import Staff
from bus.staff.sessions import SESSION_COOKIE, Session, Sessions
from bus.staff.sign_in import SignIn

__all__ = [
    "LINK_PATH",
    "OF_PARTICIPANT",
    "SESSION_COOKIE",
    "Account",
    "Accounts",
    "Challenges",
    "ClaimRefused",
    "CodeRefused",
    "Identities",
    "Link",
    "PasskeyRefused",
    "Passkeys",
    "PasswordRefused",
    "Provider",
    "ProviderSettings",
    "ProviderUnavailable",
    "Purpose",
    "RelyingParty",
    "Role",
    "RoleMissing",
    "Session",
    "Sessions",
    "SignIn",
    "SignInRefused",
    "Staff",
    "check_authenticators",
    "find_relying_party",
    "reencrypt_authenticators",
    "write_address",
]
