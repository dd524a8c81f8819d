"""Staff: the people who use the console, what proves them, and their sessions.

What the room offers: `Staff` has the parts that one process needs. `Accounts` is the register, which the command line changes
too. `Role` says what a member may see and do; the console decides by it.
"""

from bus.staff.account import OF_PARTICIPANT, Account, Role
from bus.staff.accounts import (
    COMMAND_LINE,
    LINK_PATH,
    Accounts,
    Link,
    Purpose,
    check_authenticators,
    reencrypt_authenticators,
)
from bus.staff.authenticator import write_address
from bus.staff.errors import (
    CodeRefused,
    LinkUnusable,
    PasswordRefused,
    RoleMissing,
    SessionUnknown,
    SignInRefused,
)
from bus.staff.passwords import Passwords
from bus.staff.room import Staff
from bus.staff.sessions import Session, Sessions
from bus.staff.sign_in import SignIn

__all__ = [
    "COMMAND_LINE",
    "LINK_PATH",
    "OF_PARTICIPANT",
    "Account",
    "Accounts",
    "CodeRefused",
    "Link",
    "LinkUnusable",
    "PasswordRefused",
    "Passwords",
    "Purpose",
    "Role",
    "RoleMissing",
    "Session",
    "SessionUnknown",
    "Sessions",
    "SignIn",
    "SignInRefused",
    "Staff",
    "check_authenticators",
    "reencrypt_authenticators",
    "write_address",
]
