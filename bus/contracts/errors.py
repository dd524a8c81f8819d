"""What the contracts' room refuses, by what the caller can do about it."""

from bus.problem import Conflict, Forbidden, NotFound, Refused, Unavailable


class DocumentInvalid(Refused):
    """This is not a contract document."""

    status = 422
    slug = "contract-document-invalid"


class FilterInvalid(Refused):
    """This is not a filter in the dialects exact, prefix, suffix, all, any, not."""

    status = 422
    slug = "filter-invalid"


class UnknownContract(Refused):
    """No contract has this name; register it, or mend the event's type."""

    status = 422
    slug = "unknown-contract"


class UnknownVersion(Refused):
    """No active version of the contract is meant by this dataschema."""

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


class NotOwner(Forbidden):
    """Only the contract's owner, or the operator, may do this."""

    slug = "not-owner"


class NotOperator(Forbidden):
    """Only the operator may do this."""

    slug = "not-operator"


class ContractSaysLess(Unavailable):
    """The contract protects its data less than the agency's adapter asks; nothing is exchanged until it says so."""

    slug = "contract-says-less"


class NotBound(Forbidden):
    """No version in force names this operation of the agency's adapter."""

    slug = "adapter-not-bound"


class AdapterNotYours(Forbidden):
    """Only the adapter's owner, or the operator, gives the word for its operations."""

    slug = "adapter-not-yours"


class SunsetPast(Refused):
    """The day from which the version takes no events is over already."""

    status = 422
    slug = "contract-sunset-past"


class VersionChanged(Refused):
    """The version is no longer what you read; read it again."""

    status = 412
    slug = "contract-version-changed"


class VersionTaken(Conflict):
    """This version stands already with other content; raise the version."""

    slug = "contract-version-taken"


class TransitionRefused(Conflict):
    """A contract version does not go from its present state to this one."""

    slug = "contract-transition"


class NotReady(Conflict):
    """The version cannot become active as its document stands."""

    slug = "contract-not-ready"


class AdapterWordMissing(Conflict):
    """The version names an agency's adapter whose owner has not given its word."""

    slug = "adapter-word-missing"
    lacks_authority = True


class FourEyes(Conflict):
    """Personal data are put in force by another client than the one that wrote or proposed the version."""

    slug = "four-eyes"
    lacks_authority = True


class ChangedMeanwhile(Conflict):
    """Somebody changed the same contract at the same moment; look again."""

    slug = "contract-changed-meanwhile"


class Incompatible(Conflict):
    """The version breaks what the versions still active promise."""

    slug = "contract-incompatible"


class CompatibilityUndecided(Conflict):
    """It cannot be decided whether the version breaks what the versions still active promise; the operator may accept it."""

    slug = "contract-compatibility-undecided"


class StepTooSmall(Conflict):
    """The version's number does not say how much it changes; raise it."""

    slug = "contract-version-step"


class PlanRefused(Conflict):
    """Some of the documents cannot be put in force, so none was."""

    slug = "contract-plan-refused"
