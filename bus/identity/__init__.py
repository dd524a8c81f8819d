"""Identity: who is known to the bus, and how they prove it."""

from bus.identity.keys import Keys, create_keys, load_keys, rotate_keys
from bus.identity.metadata import authorization_server_metadata, protected_resource_metadata
from bus.identity.participants import Client, Kind, Participant, Participants, bootstrap
from bus.identity.scopes import MEANINGS, Scope
from bus.identity.server import Answer, Call, OAuthServer
from bus.identity.tokens import Principal, Tokens, require
from bus.identity.wrong_logins import LoginPolicy

__all__ = [
    "MEANINGS",
    "Answer",
    "Call",
    "Client",
    "Keys",
    "Kind",
    "LoginPolicy",
    "OAuthServer",
    "Participant",
    "Participants",
    "Principal",
    "Scope",
    "Tokens",
    "authorization_server_metadata",
    "bootstrap",
    "create_keys",
    "load_keys",
    "protected_resource_metadata",
    "require",
    "rotate_keys",
]
