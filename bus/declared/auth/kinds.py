"""All kinds of auth, joined for one adapter."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import assert_never
from urllib.parse import urlsplit

import httpx

from bus.clock import now as read_now
from bus.declared.auth.api_key import add_key
from bus.declared.auth.basic import add_basic
from bus.declared.auth.login import make_login_request
from bus.declared.auth.mtls import make_tls_context
from bus.declared.auth.oauth2 import find_endpoint, make_token_request
from bus.declared.auth.signature import add_signature
from bus.declared.auth.tokens import Send, Tokens
from bus.declared.document import ApiKey, Auth, Basic, Login, Mtls, OAuth2, Signature
from bus.declared.draft import Draft
from bus.declared.mapper import Mapper
from bus.declared.vault import Vault
from bus.kit import get_tls_context


def list_secrets(auth: Auth) -> list[str]:
    """The names of the secrets that a kind of auth uses."""
    match auth:
        case OAuth2():
            return [auth.client_id, auth.client_secret]
        case Login():
            return list(auth.secrets.values())
        case ApiKey():
            return [auth.secret]
        case Basic():
            return [auth.user, auth.password]
        case Mtls():
            return [auth.certificate, auth.key]
        case Signature():
            return [name for name in (auth.key, *(part.secret for part in auth.parts)) if name is not None]
        case _:
            assert_never(auth)


def list_destinations(auths: Sequence[Auth], base_url: str) -> Iterator[tuple[str, str]]:
    """Each secret, and a host that gets it, or gets the token that it buys: a token opens as much as its secret does."""
    for auth in auths:
        endpoint = [find_endpoint(auth, base_url)] if isinstance(auth, OAuth2) else []
        for name in list_secrets(auth):
            for address in (*endpoint, base_url):
                yield name, urlsplit(address).hostname or ""


@dataclass(frozen=True, slots=True)
class Auths:
    """What shows an agency who the bus is; all of it applies to each request.

    Attributes:
        tokens: those that fetch tokens.
        plain: the others, in the document's order. A signature comes last, since it covers what the others add.
    """

    tokens: Sequence[Tokens]
    plain: Sequence[Callable[[Draft], Draft]]

    async def sign(self, draft: Draft) -> Draft:
        """The draft as it is sent.

        Raises:
            AgencyFault: the agency gives no token, or a secret may not go to the host.
        """
        for tokens in self.tokens:
            draft = await tokens.sign(draft)
        for add in self.plain:
            draft = add(draft)
        return draft

    async def renew(self, sent: Draft, response: httpx.Response) -> bool:
        """Whether an answer refuses a token, so that the request may be sent once more with a fresh one."""
        return any([await tokens.renew(sent, response) for tokens in self.tokens])


def make_auths(
    auths: Sequence[Auth],
    agency: str,
    base_url: str,
    vault: Vault,
    send: Send,
    mapper: Mapper,
    now: Callable[[], datetime] = read_now,
) -> Auths:
    """The auth of one adapter.

    Args:
        agency: the agency's name in faults.
        base_url: the server's address.
        send: sends a request without auth.

    Raises:
        SettingsWrong: the operator did not bind a secret to the host that gets it.
    """
    for name, host in list_destinations(auths, base_url):
        vault.check([name], host)
    tokens, plain, last = [], [], []
    for auth in auths:
        match auth:
            case OAuth2():
                tokens.append(Tokens(agency, auth, partial(make_token_request, auth, base_url, vault), send, mapper))
            case Login():
                tokens.append(Tokens(agency, auth, partial(make_login_request, auth, base_url, vault), send, mapper))
            case ApiKey():
                plain.append(partial(add_key, told=auth, vault=vault))
            case Basic():
                plain.append(partial(add_basic, told=auth, vault=vault))
            case Signature():
                last.append(partial(add_signature, told=auth, vault=vault, now=now))
            case Mtls():
                # The connection shows the certificate: see `find_tls_context`.
                continue
            case _:
                assert_never(auth)
    return Auths(tokens, [*plain, *last])


def make_tls_chooser(auths: Sequence[Auth], base_url: str, vault: Vault) -> Callable[[str], ssl.SSLContext]:
    """What connections to a host trust and show. A client certificate is shown to hosts that the operator bound it to.

    Raises:
        SettingsWrong: the client certificate cannot be used, or may not go to the server's host.
    """
    told = next((auth for auth in auths if isinstance(auth, Mtls)), None)
    if told is None:
        return lambda _: get_tls_context()
    names = list_secrets(told)
    server = urlsplit(base_url).hostname or ""
    vault.check(names, server)
    context = make_tls_context(told, vault, server)
    # The endpoint of tokens may be elsewhere, and the certificate names the regency.
    return lambda host: context if vault.may_go(names, host) else get_tls_context()
