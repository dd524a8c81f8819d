"""HTTP Basic (RFC 7617), in UTF-8."""

from base64 import b64encode

from bus.declared.document import Basic
from bus.declared.draft import Draft
from bus.declared.vault import Vault


def add_basic(draft: Draft, told: Basic, vault: Vault) -> Draft:
    """The draft with user and password.

    Raises:
        AgencyFault: the operator did not bind them to the host.
    """
    return draft.add_header(
        "authorization", write_basic(vault.reveal(told.user, draft.host), vault.reveal(told.password, draft.host))
    )


def write_basic(user: str, password: str) -> str:
    """The header's value."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
