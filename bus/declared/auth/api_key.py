"""A key in a header or in the query."""

from bus.declared.document import ApiKey
from bus.declared.draft import Draft
from bus.declared.vault import Vault


def add_key(draft: Draft, told: ApiKey, vault: Vault) -> Draft:
    """The draft with the key.

    Raises:
        AgencyFault: the operator did not bind the key to the host.
    """
    key = vault.reveal(told.secret, draft.host)
    value = f"{told.scheme} {key}".strip()
    return draft.add_header(told.name, value) if told.place == "header" else draft.add_parameter(told.name, value)
