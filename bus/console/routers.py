"""The pages of the console, in the order in which paths are looked up."""

from typing import Final

from bus.console import assets
from bus.console.fault import write_fault
from bus.console.pages import (
    actions,
    agencies,
    clients,
    home,
    language,
    link,
    participant_limits,
    participants,
    parts,
    passkeys,
    prove,
    provider,
    replay,
    sessions,
    sign_in,
    sign_out,
    staff,
    subscriber,
    subscribers,
    unknown,
)
from bus.http import Pages

PAGES: Final = Pages(
    (
        assets.router,
        sign_in.router,
        sign_out.router,
        prove.router,
        passkeys.router,
        provider.router,
        link.router,
        language.router,
        home.router,
        subscribers.router,
        subscriber.router,
        replay.router,
        agencies.router,
        participants.router,
        clients.router,
        participant_limits.router,
        actions.router,
        sessions.router,
        staff.router,
        parts.router,
        # Last: it takes every path that is left.
        unknown.router,
    ),
    below="/konsol",
    write_fault=write_fault,
)
