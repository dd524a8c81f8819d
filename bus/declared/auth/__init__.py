"""Auth: how an adapter shows an agency who it is, one file a kind. Every kind takes its secrets from the vault."""

from bus.declared.auth.kinds import Auths, list_destinations, list_secrets, make_auths, make_tls_chooser
from bus.declared.auth.signature import compute_signature, write_time

__all__ = [
    "Auths",
    "compute_signature",
    "list_destinations",
    "list_secrets",
    "make_auths",
    "make_tls_chooser",
    "write_time",
]
