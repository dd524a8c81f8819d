"""Assembles the room of staff: accounts, sessions, and the ways to sign in that the settings allow."""

from functools import partial

import httpx

from bus.actions import Attempts
from bus.identity import Keys, LoginPolicy
from bus.kit import get_tls_context
from bus.settings import Settings
from bus.staff import (
    Accounts,
    Challenges,
    Identities,
    Passkeys,
    Provider,
    ProviderSettings,
    Sessions,
    SignIn,
    Staff,
)
from bus.storage import Storage


def make_staff(settings: Settings, storage: Storage, keys: Keys, attempts: Attempts) -> Staff:
    """The room's parts for one process."""
    accounts = Accounts(storage, keys, settings.staff_link_minutes)
    rate = settings.wrong_sign_ins
    # One person's password can be guessed, which no client's secret can. So the account has a rate of its own.
    policy = LoginPolicy(pair=rate, client=rate, address=settings.wrong_logins_from_address)
    sessions = Sessions(storage, settings.console_idle_minutes, settings.console_session_hours)
    challenges = Challenges(storage, keys)
    passkeys, provider = Passkeys(storage, accounts, challenges), make_provider(settings, challenges)
    sign_in = SignIn(accounts, passkeys, Identities(storage), policy, attempts, provider)
    return Staff(accounts, passkeys, sessions, sign_in)


def make_provider(settings: Settings, challenges: Challenges) -> Provider | None:
    """The identity provider that the settings name; None: they name none."""
    if not settings.oidc_issuer:
        return None
    known = ProviderSettings(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        settings.oidc_role_claim,
        settings.oidc_participant_claim,
    )
    # Nothing from the environment: a proxy of HTTP_PROXY would read the client's secret and the tokens.
    open_http = partial(httpx.AsyncClient, follow_redirects=False, trust_env=False, verify=get_tls_context())
    return Provider(known, challenges, open_http)
