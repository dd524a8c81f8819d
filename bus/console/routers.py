"""The pages of the console, in the order in which paths are looked up."""

from typing import Final

from bus.console import assets
from bus.console.pages import (
    access,
    access_requests,
    actions,
    agencies,
    clients,
    contract,
    contract_difference,
    contract_editor,
    contract_version,
    contracts,
    deliveries,
    grant,
    grants,
    home,
    language,
    link,
    live,
    participants,
    parts,
    proposals,
    quick_start,
    refusals,
    sessions,
    sign_in,
    sign_out,
    subscriber,
    subscribers,
    subscriptions,
    trial,
    unknown,
)
from bus.http import Pages

PAGES: Final = Pages(
    (
        assets.router,
        sign_in.router,
        sign_out.router,
        link.router,
        language.router,
        home.router,
        live.router,
        subscribers.router,
        subscriber.router,
        agencies.router,
        participants.router,
        # Before a contract's own page: `baru` is no contract's name.
        contract_editor.router,
        contracts.router,
        contract.router,
        contract_difference.router,
        contract_version.router,
        grant.router,
        grants.router,
        proposals.router,
        actions.router,
        sessions.router,
        parts.router,
        quick_start.router,
        clients.router,
        subscriptions.router,
        deliveries.router,
        refusals.router,
        access.router,
        access_requests.router,
        trial.router,
        # Last: it takes every path that is left.
        unknown.router,
    )
)
