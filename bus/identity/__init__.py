"""Identity: the participants and clients that the bus knows, and how a client proves itself."""

from bus.identity.clients import Client
from bus.identity.contacts import read_contacts
from bus.identity.errors import ClientUnknown, ParticipantUnknown
from bus.identity.form import Call
from bus.identity.keys import Keys, Undecryptable, create_keys, load_keys, rotate_keys
from bus.identity.metadata import describe_authorization_server, describe_protected_resource
from bus.identity.participants import Kind, Participant, Participants, bootstrap, has_operator
from bus.identity.roster import Change, carry_out_roster, find_missing, plan_roster, read_roster, set_participant
from bus.identity.rotation import Rotation
from bus.identity.scopes import GIVEN_BY_OFFICES, MEANINGS, Scope, require
from bus.identity.server import Answer, OAuthServer
from bus.identity.signatures import ALGORITHMS, KEYS_TAKEN
from bus.identity.tokens import Principal, Tokens
from bus.identity.wrong_logins import LoginPolicy, WrongLogins

__all__ = [
    "ALGORITHMS",
    "GIVEN_BY_OFFICES",
    "KEYS_TAKEN",
    "MEANINGS",
    "Answer",
    "Call",
    "Change",
    "Client",
    "ClientUnknown",
    "Keys",
    "Kind",
    "LoginPolicy",
    "OAuthServer",
    "Participant",
    "ParticipantUnknown",
    "Participants",
    "Principal",
    "Rotation",
    "Scope",
    "Tokens",
    "Undecryptable",
    "WrongLogins",
    "bootstrap",
    "carry_out_roster",
    "create_keys",
    "describe_authorization_server",
    "describe_protected_resource",
    "find_missing",
    "has_operator",
    "load_keys",
    "plan_roster",
    "read_contacts",
    "read_roster",
    "require",
    "rotate_keys",
    "set_participant",
]
