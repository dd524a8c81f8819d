"""The refusals of the register of adapters, one class for each thing that a caller can do."""

from bus.problem import Conflict, Forbidden, NotFound, Refused


class NoSuchAdapter(NotFound):
    """There is no such adapter document or version."""

    slug = "no-such-adapter"


class AdapterNotOwner(Forbidden):
    """Only the adapter's owner, or the operator, may do this."""

    slug = "adapter-not-owner"


class AdapterNameTaken(Conflict):
    """An installed adapter has this name; choose another name."""

    slug = "adapter-name-taken"


class AdapterVersionTaken(Conflict):
    """This version of the adapter is registered with other content; raise the version number."""

    slug = "adapter-version-taken"


class AdapterVersionChanged(Refused):
    """The version of the adapter changed since you read it; read it again."""

    status = 412
    slug = "adapter-version-changed"


class AdapterTransition(Conflict):
    """A version of an adapter cannot move from its present state to this state."""

    slug = "adapter-transition"


class AdapterNotReady(Conflict):
    """The adapter document has faults; correct them before you go on."""

    slug = "adapter-not-ready"


class AdapterIncompatible(Conflict):
    """Contracts in force name operations that this version does not serve any more."""

    slug = "adapter-incompatible"


class AdapterAddressRefused(Conflict):
    """The bus may not connect to a server of the document."""

    slug = "adapter-address"


class AdapterSettingsUnfit(Conflict):
    """The operator's settings for this adapter do not fit the document; give them, and restart the bus."""

    slug = "adapter-settings"


class OperatorWordMissing(Forbidden):
    """Only the operator, or the owner whom the operator names, puts an adapter in force."""

    slug = "adapter-operator-word"


class AdapterFourEyes(Conflict):
    """An adapter for personal data needs a second client: the one that made the version may not activate it."""

    slug = "adapter-four-eyes"
    lacks_authority = True


class AdapterChangedMeanwhile(Conflict):
    """The adapter, or a contract that names it, changed at the same moment; do it again."""

    slug = "adapter-changed-meanwhile"
