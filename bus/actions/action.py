"""Actions: acts of administration or steering, as the action log describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bus.actions.actor import Actor


class Verb(StrEnum):
    """The kinds of acts."""

    BUS_INIT = "bus.init"
    BUS_UPGRADE = "bus.upgrade"
    BUS_BACKUP = "bus.backup"
    BUS_RESTORE = "bus.restore"
    KEYS_CREATE = "keys.create"
    KEYS_ROTATE = "keys.rotate"
    SETTINGS_CHANGE = "settings.change"
    PARTICIPANT_ADD = "participant.add"
    PARTICIPANT_UPDATE = "participant.update"
    LIMITS_SET = "limits.set"
    AGENCY_RELEASE = "agency.release"
    AGENCY_PAUSE = "agency.pause"
    AGENCY_RESUME = "agency.resume"
    CLIENT_ADD = "client.add"
    CLIENT_UPDATE = "client.update"
    CLIENT_ROTATE_SECRET = "client.rotate-secret"  # noqa: S105 - a verb
    CLIENT_REVOKE = "client.revoke"
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - a verb
    CONTRACT_DRAFT = "contract.draft"
    CONTRACT_PROPOSE = "contract.propose"
    CONTRACT_CONSENT = "contract.consent"
    CONTRACT_ACTIVATE = "contract.activate"
    CONTRACT_DEPRECATE = "contract.deprecate"
    CONTRACT_RETIRE = "contract.retire"
    ADAPTER_DRAFT = "adapter.draft"
    ADAPTER_PROPOSE = "adapter.propose"
    ADAPTER_ACTIVATE = "adapter.activate"
    ADAPTER_DEPRECATE = "adapter.deprecate"
    ADAPTER_RETIRE = "adapter.retire"
    DOMAIN_SET = "domain.set"
    GRANT_SUSPEND = "grant.suspend"
    GRANT_RESUME = "grant.resume"
    ACCESS_ASK = "access-request.ask"
    ACCESS_WITHDRAW = "access-request.withdraw"
    ACCESS_ACCEPT = "access-request.accept"
    ACCESS_REFUSE = "access-request.refuse"
    SUBSCRIPTION_ADD = "subscription.add"
    SUBSCRIPTION_CHANGE = "subscription.change"
    SUBSCRIPTION_DELETE = "subscription.delete"
    SUBSCRIPTION_PAUSE = "subscription.pause"
    SUBSCRIPTION_RESUME = "subscription.resume"
    SUBSCRIPTION_DISABLE = "subscription.disable"
    SUBSCRIPTION_REPLAY = "subscription.replay"
    SUBSCRIPTION_SEEK = "subscription.seek"
    SUBSCRIPTION_REDRIVE = "subscription.redrive"
    SUBSCRIPTION_ROTATE_SECRET = "subscription.rotate-secret"  # noqa: S105 - a verb
    SUBSCRIPTION_TEST = "subscription.test"
    DELIVERY_RETRY = "delivery.retry"
    DELIVERY_DISCARD = "delivery.discard"
    DELIVERY_ANSWERS = "delivery.answers"
    DELIVERIES_FORGET = "deliveries.forget"
    EVENTS_FORGET = "events.forget"
    DISCLOSURES_FORGET = "disclosures.forget"
    DISCLOSURES_READ = "disclosures.read"
    EVENT_OPEN = "event.open"
    INQUIRY_OPEN = "inquiry.open"
    INQUIRY_CLOSE = "inquiry.close"
    ACTIONS_READ = "actions.read"
    STAFF_ADD = "staff.add"
    STAFF_CHANGE = "staff.change"
    STAFF_LINK = "staff.link"
    STAFF_PROOF = "staff.proof"
    STAFF_PASSKEY_ADD = "staff.passkey-add"
    STAFF_PASSKEY_REMOVE = "staff.passkey-remove"
    STAFF_END_SESSIONS = "staff.end-sessions"
    STAFF_DISABLE = "staff.disable"
    SESSION_OPEN = "session.open"
    SESSION_PROVE = "session.prove"
    SESSION_END = "session.end"
    LOGIN_FAIL = "login.fail"
    AUTHORITY_REFUSED = "authority.refused"

    @property
    def kind(self) -> str:
        """The kind of the act's object, such as `client`."""
        return self.value.partition(".")[0]


class Result(StrEnum):
    """The result of an act."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Object:
    """The object of an act.

    Attributes:
        kind: the kind of object, such as `subscription`.
        id: the object's id within its kind. A contract version has an id such as `kependudukan.penduduk/1.0.0`.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Action:
    """One act, or several equal acts.

    Attributes:
        what: the kind of act.
        by: the actor.
        on: the object.
        on_behalf_of: the participant that owns the object. None: the bus or nobody owns it.
        before: the changed members before the act. They hold no secret and no personal data.
        after: the changed members after the act.
        details: further facts that distinguish the act from others of its kind.
        result: whether the act was done or refused.
        count: how many equal acts the entry stands for.
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
