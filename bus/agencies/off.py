"""Why a registered adapter does not serve: found without a running bus, for commands and the doctor."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bus.agencies.factories import list_shipped
from bus.settings import SettingsWrong

if TYPE_CHECKING:
    from bus.declared import InForce


def find_off(name: str, found: "InForce", given: Mapping[str, str] | None) -> str | None:
    """Why the version in force does not serve with these settings; None: it serves. The text has no setting's value.

    Synchronous: call it outside an event loop.

    Args:
        name: the adapter's name.
        found: its version in force.
        given: the names and values of its settings; None: it has none.
    """
    if found.version is None:
        return f"No version of {name} is active."
    if given is None and name in list_shipped():
        # A document that ships serves only where somebody set it up.
        return f"There are no settings for it (BUS_ADAPTERS__{name.upper()}__…)."
    if found.factory is None:
        return f"This version of the bus cannot read the document of {name} {found.version}."
    try:
        _, adapter = found.factory.make(given or {})
    except SettingsWrong as wrong:
        return f"{wrong.detail}."
    asyncio.run(adapter.close())
    return None
