"""The metadata documents that tell a client how to get and use a token."""

from typing import Any

from bus.identity.authentication import METHODS
from bus.identity.scopes import Scope
from bus.identity.signatures import ALGORITHMS


def describe_authorization_server(issuer: str, documentation: str | None) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414) of the bus at `issuer`.

    Args:
        documentation: where the API's description is served; None: not to everybody.
    """
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": list(Scope),
        # Required; empty because there is no authorization endpoint.
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    } | ({} if documentation is None else {"service_documentation": documentation})


def describe_protected_resource(issuer: str, documentation: str | None) -> dict[str, Any]:
    """Protected resource metadata (RFC 9728) of the bus at `issuer`, which protects its own API.

    Args:
        documentation: see `describe_authorization_server`.
    """
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "scopes_supported": list(Scope),
        "bearer_methods_supported": ["header"],
        "resource_name": "Data-exchange bus of Kabupaten Lamongan",
    } | ({} if documentation is None else {"resource_documentation": documentation})
