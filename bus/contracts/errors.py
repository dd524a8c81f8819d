"""The refusals of the room for contracts, one class for each thing that a caller can do."""

from typing import Any

from bus.problem import Conflict, Forbidden, NotFound, Refused, Unavailable


class DocumentInvalid(Refused):
    """This is not a contract document."""

    status = 422
    slug = "contract-document-invalid"

    rest: Any = None
    """The contract without the faulty parts, for lint to find the other faults; None: nothing can be left out."""


class FilterInvalid(Refused):
    """This is not a filter in the dialects exact, prefix, suffix, all, any, not."""

    status = 422
    slug = "filter-invalid"


class UnknownContract(Refused):
    """No contract has this name; register the contract, or correct the event's type."""

    status = 422
    slug = "unknown-contract"


class UnknownVersion(Refused):
    """This dataschema names no version of the contract that takes events."""

    status = 422
    slug = "unknown-contract-version"


class VersionRetired(Refused):
    """This version of the contract has been retired; use its successor."""

    status = 422
    slug = "contract-version-retired"


class NoSuchContract(NotFound):
    """There is no such contract or version."""

    slug = "no-such-contract"


class NotGranted(Forbidden):
    """No contract grants you this data; ask its owner."""

    slug = "not-granted"


class GrantExpired(Forbidden):
    """The grant for this data ended; ask the contract's owner to renew it."""

    slug = "grant-expired"


class GrantSuspended(Forbidden):
    """The grant for this data is suspended; ask who suspended it."""

    slug = "grant-suspended"

    def __init__(self, detail: str, *, keeps_waiting: bool = False) -> None:
        """`keeps_waiting`: deliveries under the grant wait until the suspension is lifted."""
        super().__init__(detail)
        self.keeps_waiting = keeps_waiting


class NoSuchGrant(NotFound):
    """No version in force has this grant."""

    slug = "no-such-grant"


class NotSuspended(Conflict):
    """This grant is not suspended."""

    slug = "grant-not-suspended"


class ReasonInvalid(Refused):
    """A suspension needs a reason that others can read."""

    status = 422
    slug = "suspension-reason-invalid"


class NoSuchAccessRequest(NotFound):
    """There is no such request for access."""

    slug = "no-such-access-request"


class AccessRequestOfAnother(NoSuchAccessRequest):
    # The caller is told what they are told of one that does not exist; the action log is told more.
    __doc__ = NoSuchAccessRequest.__doc__
    lacks_authority = True


class AccessInvalid(Refused):
    """A request for access needs a purpose, a legal basis, an agreement, fields of the contract, and an end."""

    status = 422
    slug = "access-request-invalid"


class AccessAskedAlready(Conflict):
    """You asked for access to this contract before; wait for the owner, or withdraw that request."""

    slug = "access-asked-already"


class AccessDecided(Conflict):
    """The request for access does not wait any more."""

    slug = "access-decided"


class NotAsker(Forbidden):
    """Only the participant that asked, or the operator, withdraws a request for access."""

    slug = "not-asker"


class NotOwner(Forbidden):
    """Only the contract's owner, or the operator, may do this."""

    slug = "not-owner"


class DomainNotYours(NotOwner):
    """Only the domain's owner, or the operator, proposes and activates versions in it."""

    slug = "domain-not-yours"


class NoSuchDomain(NotFound):
    """There is no such domain."""

    slug = "no-such-domain"


class DomainInvalid(Refused):
    """No contract can be in a domain with this name."""

    status = 422
    slug = "domain-invalid"


class NotOperator(Forbidden):
    """Only the operator may do this."""

    slug = "not-operator"


class ContractSaysLess(Unavailable):
    """The contract protects its data less than the agency's adapter demands; its owner must change it."""

    slug = "contract-says-less"


class NotBound(Forbidden):
    """No version in force names this operation of the agency's adapter."""

    slug = "adapter-not-bound"


class AdapterNotYours(Forbidden):
    """Only the adapter's owner, or the operator, may agree to the use of its operations."""

    slug = "adapter-not-yours"


class SunsetPast(Refused):
    """The sunset must be today or later."""

    status = 422
    slug = "contract-sunset-past"


class VersionChanged(Refused):
    """The version changed since you read it; read it again."""

    status = 412
    slug = "contract-version-changed"


class VersionTaken(Conflict):
    """This version is registered with other content; raise the version number."""

    slug = "contract-version-taken"


class TransitionRefused(Conflict):
    """A contract version cannot move from its present state to this state."""

    slug = "contract-transition"


class NotReady(Conflict):
    """The version's document has faults; correct them before you go on."""

    slug = "contract-not-ready"


class AdapterWordMissing(Conflict):
    """The version names an agency's adapter whose owner has not agreed yet."""

    slug = "adapter-word-missing"
    lacks_authority = True


class FourEyes(Conflict):
    """A contract on personal data needs a second client: the one that made the version may not activate it."""

    slug = "four-eyes"
    lacks_authority = True


class ChangedMeanwhile(Conflict):
    """Somebody changed the same contract at the same moment; read it again."""

    slug = "contract-changed-meanwhile"


class Incompatible(Conflict):
    """The version breaks a promise of versions that are still active."""

    slug = "contract-incompatible"


class CompatibilityUndecided(Conflict):
    """The bus cannot decide whether the version is compatible with the active ones; the operator may accept it."""

    slug = "contract-compatibility-undecided"


class StepTooSmall(Conflict):
    """The version number goes up too little for the change; raise it."""

    slug = "contract-version-step"


class GrantsUnseen(Conflict):
    """The version shows more personal data than before; read what it grants, then say that you saw it."""

    slug = "contract-grants-unseen"


class PlanRefused(Conflict):
    """Some of the documents cannot be put in force, so the bus changed nothing."""

    slug = "contract-plan-refused"
