"""Auth: how an adapter shows an agency who it is, one file a kind. Every kind takes its secrets from the vault."""

from bus.declared.auth.kinds import Auths, find_tls_context, list_destinations, list_secrets, make_auths
from bus.declared.auth.signature import compute_signature, write_time

__all__ = [
    "Auths",
    "compute_signature",
    "find_tls_context",
    "list_destinations",
    "list_secrets",
    "make_auths",
    "write_time",
]
