"""The request for a token by a login call of the agency's own."""

from urllib.parse import urlencode

from bus import json
from bus.declared.document import Login
from bus.declared.draft import Draft
from bus.declared.vault import Vault


def make_login_request(told: Login, base_url: str, vault: Vault) -> Draft:
    """The request.

    Raises:
        AgencyFault: the operator did not bind the account to the host.
    """
    draft = Draft("POST", base_url.rstrip("/") + told.path)
    members = {
        **told.members,
        **{member: vault.reveal(secret, draft.host) for member, secret in told.secrets.items()},
    }
    if told.form == "json":
        body, kind = json.dumps(members), "application/json"
    else:
        body, kind = urlencode(members).encode(), "application/x-www-form-urlencoded"
    return Draft(draft.method, draft.address, body=body).add_header("content-type", kind)
