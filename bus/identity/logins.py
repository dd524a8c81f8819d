"""Logins: whether a request proves the client that it names, with a bound on the work that anybody can cause.

Promise: a known client's right secret or signature never waits behind wrong ones. Neither an answer nor its timing tells
whether a client exists. An argon2 hash of an earlier version is the exception: its check takes longer until the client's
next login.
"""

import asyncio
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from bus import json
from bus.household import name_household
from bus.identity import secrets
from bus.identity.clients import Credentials
from bus.identity.known_clients import KnownClients
from bus.identity.participants import Participants
from bus.identity.public_keys import NOBODYS, load_public_keys
from bus.identity.signatures import verify_jwt
from bus.identity.wrong_logins import LoginPolicy, LoginsLimited, WrongLogins

_LONGEST_ASSERTION: Final = 8192
_ASSERTIONS_OF_ADDRESS: Final = 32
"""The most assertions of one address that are checked at once."""
_OLD_OF_CLIENT: Final = 2
_OLD_OF_ALL: Final = 16
"""The most argon2 checks that run or wait, since each is slow."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The client that a request names, not proven yet.

    Attributes:
        client_id: the client's id; empty if the request names no client.
        secret: the secret that should prove the client; None if the request has no secret.
        assertion: the signed assertion that should prove the client; None if the request has no assertion.
    """

    client_id: str
    secret: str | None = field(repr=False)
    assertion: str | None = field(repr=False)


def read_claim(request: OAuth2Request) -> Claim:
    """What a request says who it is from.

    Raises:
        InvalidRequestError: the assertion is too long.
    """
    form = request.form
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError:
        client_id = secret = None
    if not (client_id and secret):
        client_id, secret = form.get("client_id"), form.get("client_secret")
    if client_id and secret:
        return Claim(client_id, secret, None)
    assertion = form.get("client_assertion")
    if assertion is None:
        return Claim("", None, None)
    if len(assertion) > _LONGEST_ASSERTION:
        raise InvalidRequestError(f"An assertion has at most {_LONGEST_ASSERTION} characters.")
    return Claim(_read_subject(assertion), None, assertion)


def _read_subject(assertion: str) -> str:
    try:
        claims = json.loads(urlsafe_b64decode(assertion.split(".")[1] + "=="))
        subject = claims["sub"]
    except (ValueError, LookupError, TypeError):
        return ""
    return subject if isinstance(subject, str) else ""


class Logins:
    """Checks claims. Belongs to one event loop."""

    def __init__(self, known: KnownClients, participants: Participants, policy: LoginPolicy) -> None:
        self._known = known
        self._participants = participants
        # Counted apart, so that failures with secrets do not keep out clients with keys.
        self._wrong_secrets = WrongLogins(policy)
        self._wrong_assertions = WrongLogins(policy)
        self._without_proof = WrongLogins(policy)
        self._nobodys = secrets.make_digest("")
        self._assertions: Counter[str] = Counter()
        self._old: Counter[str] = Counter()
        self._reading = ThreadPoolExecutor(max_workers=2, thread_name_prefix="logins")
        self._hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="old-secrets")

    def recognise(self, claim: Claim) -> bool:
        """Whether a secret proves a client that is known: one hash, and the same time for a client that does not exist."""
        return claim.secret is not None and _fits(claim, self._known.get(claim.client_id), self._nobodys)

    async def judge_secret(self, claim: Claim, address: str) -> Credentials | None:
        """The client that a secret proves; None: it proves none.

        Raises:
            LoginsLimited: too many logins of this client or address failed.
        """
        known = self._known.get(claim.client_id)
        if _fits(claim, known, self._nobodys):
            self._wrong_secrets.note_proof(claim.client_id, address)
            return known
        # Counted as a failure before the check, so that the bound also holds for checks that run side by side.
        self._wrong_secrets.check(claim.client_id, address)
        self._wrong_secrets.note_failure(claim.client_id, address)
        loop = asyncio.get_running_loop()
        # Also for a client that is known: its secret may have changed since, and both take the same time.
        stored = await loop.run_in_executor(self._reading, self._participants.find_credentials, claim.client_id)
        if _fits(claim, stored, self._nobodys) or await self._fits_old(claim, stored):
            self._wrong_secrets.forgive(claim.client_id, address)
            self._wrong_secrets.note_proof(claim.client_id, address)
            return stored
        return None

    async def _fits_old(self, claim: Claim, stored: Credentials | None) -> bool:
        """Whether the secret fits an argon2 hash of an earlier version. If it does, a digest replaces the hash."""
        if stored is None or stored.jwks is not None or claim.secret is None or not secrets.is_old(stored.secret_hash):
            return False
        with _count_under_way(self._old, claim.client_id, _OLD_OF_CLIENT, _OLD_OF_ALL):
            work = asyncio.get_running_loop().run_in_executor
            fits = await work(self._hashing, secrets.fits_old, claim.secret, stored.secret_hash)
            if fits:
                renewed = secrets.make_digest(claim.secret)
                renew = self._participants.renew_hash
                await work(self._reading, renew, claim.client_id, stored.secret_hash, renewed)
        return fits

    @contextmanager
    def judge_assertion(self, claim: Claim, address: str) -> Iterator[Credentials | None]:
        """The judging of an assertion, or of a request without any proof, which others do; they tell with `failed` if it failed.

        The caller calls `note_proof` or `note_failure` with the result. Here only the signature is verified. A right signature
        passes even after many failures.

        Yields:
            The known client that signed the assertion; None if there is none.

        Raises:
            LoginsLimited: too many logins of this client or address failed, or too many checks of this address run.
        """
        with _count_under_way(
            self._assertions, name_household(address), _ASSERTIONS_OF_ADDRESS, 8 * _ASSERTIONS_OF_ADDRESS
        ):
            signer = self._find_signer(claim)
            if signer is None:
                self._choose_counter(claim).check(claim.client_id, address)
            yield signer

    def _find_signer(self, claim: Claim) -> Credentials | None:
        """The client that is known and signed an assertion; one that is not known takes as long."""
        if claim.assertion is None:
            return None
        known = self._known.get(claim.client_id)
        kept = known.jwks if known is not None else None
        signed = verify_jwt(claim.assertion, load_public_keys(kept) if kept else NOBODYS)
        return known if kept and signed is not None else None

    def _choose_counter(self, claim: Claim) -> WrongLogins:
        return self._without_proof if claim.assertion is None else self._wrong_assertions

    def note_proof(self, claim: Claim, address: str) -> None:
        """An assertion proved its client."""
        self._choose_counter(claim).note_proof(claim.client_id, address)

    def note_failure(self, claim: Claim, address: str) -> None:
        """An assertion, or a request without any proof, proved nothing."""
        self._choose_counter(claim).note_failure(claim.client_id, address)

    def close(self) -> None:
        """End the threads."""
        self._reading.shutdown()
        self._hashing.shutdown()


def _fits(claim: Claim, credentials: Credentials | None, nobodys: str) -> bool:
    """Whether a secret proves the client, and takes the same time if none can: no such client, or one with keys."""
    fits = secrets.fits(claim.secret or "", credentials.secret_hash if credentials else nobodys)
    return fits and credentials is not None and credentials.jwks is None


@contextmanager
def _count_under_way(under_way: Counter[str], whose: str, most_each: int, most: int) -> Iterator[None]:
    """Count something as under way.

    Raises:
        LoginsLimited: too many checks are under way.
    """
    if under_way[whose] >= most_each or under_way.total() >= most:
        raise LoginsLimited("logins", "Too many logins are under way; try again in a moment.", 1)
    under_way[whose] += 1
    try:
        yield
    finally:
        under_way[whose] -= 1
        if not under_way[whose]:
            del under_way[whose]
