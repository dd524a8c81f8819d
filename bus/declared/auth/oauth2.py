"""The request for a token by OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from urllib.parse import parse_qsl, quote, urlencode, urljoin

from bus.declared.auth.basic import write_basic
from bus.declared.document import OAuth2
from bus.declared.draft import Draft
from bus.declared.vault import Vault


def find_endpoint(told: OAuth2, base_url: str) -> str:
    """The address of the token's endpoint."""
    return told.token_path if told.token_path.startswith("http") else base_url.rstrip("/") + told.token_path


def make_token_request(told: OAuth2, base_url: str, vault: Vault) -> Draft:
    """The request. A query of the endpoint is kept.

    Raises:
        AgencyFault: the operator did not bind the client to the endpoint's host.
    """
    address, _, query = urljoin(base_url, find_endpoint(told, base_url)).partition("?")
    draft = Draft("POST", address, query=tuple(parse_qsl(query)))
    client, secret = vault.reveal(told.client_id, draft.host), vault.reveal(told.client_secret, draft.host)
    form = {} if any(name == "grant_type" for name, _ in draft.query) else {"grant_type": "client_credentials"}
    if told.scope:
        form["scope"] = told.scope
    if told.client_in == "form":
        form |= {"client_id": client, "client_secret": secret}
    else:
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        draft = draft.add_header("authorization", write_basic(quote(client, safe=""), quote(secret, safe="")))
    draft = draft.add_header("content-type", "application/x-www-form-urlencoded")
    return Draft(draft.method, draft.address, draft.query, draft.headers, urlencode(form).encode())
