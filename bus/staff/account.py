"""Accounts of members of staff, and the roles (`peran`) that they have in the console."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bus.actions import OPERATOR, Actor, Channel
from bus.staff.errors import ParticipantMismatch


class Role(StrEnum):
    """The roles, by the names that staff knows."""

    OPERATOR = "operator"
    APP_OWNER = "pemilik-aplikasi"
    CONTRACT_OWNER = "pemilik-kontrak"
    AUDITOR = "auditor"
    SERVICE_DESK = "layanan"


OF_PARTICIPANT: Final = frozenset({Role.APP_OWNER, Role.CONTRACT_OWNER})
"""The roles whose members act for one participant."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one member of staff.

    Attributes:
        participant: the participant that the member acts for; None: the role has none.
        has_password: whether the account has a password and an authenticator.
        has_passkey: whether the account has a passkey.
        is_provided: whether an identity provider proves the account.
        is_disabled: whether the account is shut out for good.
    """

    name: str
    role: Role
    participant: str | None
    created_at: datetime
    has_password: bool
    has_passkey: bool
    is_provided: bool
    is_disabled: bool

    @property
    def is_set_up(self) -> bool:
        """Whether anything proves the account."""
        return self.has_password or self.has_passkey or self.is_provided

    @property
    def reach(self) -> str | None:
        """The participant whose objects the member sees. None: the objects of all participants."""
        return self.participant

    def act_from(self, address: str) -> Actor:
        """The member as an actor of the action log.

        A member without a participant belongs to the operator's office. Only the role `operator` has the operator's rights.
        """
        return Actor(
            self.participant or OPERATOR,
            is_operator=self.role is Role.OPERATOR,
            channel=Channel.CONSOLE,
            address=address,
            user=self.name,
        )


def check_participant(role: Role, participant: str | None) -> None:
    """Check that a participant is given if the role needs one, and only then.

    Raises:
        ParticipantMismatch: see the class.
    """
    if (role in OF_PARTICIPANT) != (participant is not None):
        rule = (
            "Give --participant, the participant that the member acts for."
            if participant is None
            else ("Leave --participant out.")
        )
        raise ParticipantMismatch(
            f"The role {role} {'needs a' if role in OF_PARTICIPANT else 'has no'} participant. {rule}"
        )
