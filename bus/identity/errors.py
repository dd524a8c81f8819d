"""The refusals about participants and clients, one class for each thing that a caller can do."""

from bus.problem import Conflict, Forbidden, Invalid, NotFound


class NameRefused(Invalid):
    """A participant's name has 2 to 63 small letters, digits and hyphens, and begins with a letter."""

    slug = "participant-name"


class TitleRefused(Invalid):
    """A participant's title is one line of printable text."""

    slug = "participant-title"


class KindRefused(Invalid):
    """Only `bus init` makes a participant of this kind."""

    slug = "participant-kind"


class ParticipantExists(Conflict):
    """A participant with this name exists already; choose another name, or use that participant."""

    slug = "participant-exists"


class ParticipantUnknown(NotFound):
    """No participant has this name; add the participant first."""

    slug = "participant-unknown"


class ClientUnknown(NotFound):
    """The participant has no client with this id."""

    slug = "client-unknown"


class ScopeUnknown(Invalid):
    """A scope does not exist, or the request gives no scope."""

    slug = "scope-unknown"


class ClientRevoked(Conflict):
    """The client is shut out for good; make another client."""

    slug = "client-revoked"


class NothingToChange(Invalid):
    """A change of a client gives scopes, keys, or both."""

    slug = "client-unchanged"


class ScopeNotYours(Forbidden):
    """The operator alone gives this scope, and a new secret to a client that has this scope; ask the operator."""

    slug = "scope-not-yours"


class ClientHasKeys(Conflict):
    """The client proves itself with keys of its own, so it has no secret."""

    slug = "client-has-keys"
