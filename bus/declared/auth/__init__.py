"""Auth: how an adapter shows an agency who it is, one file a kind. Every kind takes its secrets from the vault."""

from bus.declared.auth.kinds import Auths, find_tls_context, list_destinations, list_secrets, make_auths

__all__ = ["Auths", "find_tls_context", "list_destinations", "list_secrets", "make_auths"]
