"""Actions: one act of administration or steering, and what may be said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bus.actions.actor import Actor


class Verb(StrEnum):
    """What can be done."""

    BUS_INIT = "bus.init"
    BUS_UPGRADE = "bus.upgrade"
    KEYS_CREATE = "keys.create"
    KEYS_ROTATE = "keys.rotate"
    SETTINGS_CHANGE = "settings.change"
    PARTICIPANT_ADD = "participant.add"
    LIMITS_SET = "limits.set"
    CLIENT_ADD = "client.add"
    CLIENT_REVOKE = "client.revoke"
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - a verb
    CONTRACT_DRAFT = "contract.draft"
    CONTRACT_PROPOSE = "contract.propose"
    CONTRACT_CONSENT = "contract.consent"
    CONTRACT_ACTIVATE = "contract.activate"
    CONTRACT_DEPRECATE = "contract.deprecate"
    CONTRACT_RETIRE = "contract.retire"
    SUBSCRIPTION_ADD = "subscription.add"
    SUBSCRIPTION_CHANGE = "subscription.change"
    SUBSCRIPTION_DELETE = "subscription.delete"
    SUBSCRIPTION_PAUSE = "subscription.pause"
    SUBSCRIPTION_RESUME = "subscription.resume"
    SUBSCRIPTION_REPLAY = "subscription.replay"
    SUBSCRIPTION_REDRIVE = "subscription.redrive"
    SUBSCRIPTION_ROTATE_SECRET = "subscription.rotate-secret"  # noqa: S105 - a verb
    SUBSCRIPTION_TEST = "subscription.test"
    DELIVERY_RETRY = "delivery.retry"
    DELIVERY_DISCARD = "delivery.discard"
    DISCLOSURES_READ = "disclosures.read"
    ACTIONS_READ = "actions.read"
    LOGIN_FAIL = "login.fail"
    AUTHORITY_REFUSED = "authority.refused"

    @property
    def kind(self) -> str:
        """The kind of thing that it is done to, such as `client`."""
        return self.value.partition(".")[0]


class Result(StrEnum):
    """What came of an act."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Object:
    """What an act is about.

    Attributes:
        kind: such as `subscription`.
        id: names it among its kind; a contract's version is `kependudukan.penduduk/1.0.0`.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Action:
    """One act.

    Attributes:
        on_behalf_of: the participant whose thing it is; None: nobody's, or the bus's.
        before: the members that the act changed, as they were. No secret, and nothing about a person.
        after: the same members since then.
        details: what else tells this act from others of its kind.
        count: how many equal acts the entry stands for; more than one where a flood of them is counted together.
    """

    what: Verb
    by: Actor
    on: Object
    on_behalf_of: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    details: Mapping[str, Any] | None = None
    result: Result = Result.DONE
    count: int = 1
