"""Logins: whether a request proves the client that it names, with a bound on the work that anybody can cause.

Promise: a right secret or signature of a client that is known never waits behind wrong ones, and nobody learns from an
answer or from its timing whether a client exists. (An argon2 hash of an earlier version takes longer to judge, until its
client logs in once.)
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
from joserfc.jwk import KeySet, OKPKey

from bus import json
from bus.household import household
from bus.identity import secrets
from bus.identity.keys import verified
from bus.identity.known_clients import KnownClients
from bus.identity.participants import Credentials, Participants
from bus.identity.wrong_logins import LoginPolicy, LoginsLimited, WrongLogins

_LONGEST_ASSERTION: Final = 8192
_ASSERTIONS_OF_ADDRESS: Final = 32
"""Assertions of one address that are judged at once; each takes some tenths of a millisecond."""
_OLD_OF_CLIENT: Final = 2
_OLD_OF_ALL: Final = 16
"""Argon2 hashes that are under way or wait: each takes some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says who it is from, unproven.

    Attributes:
        client_id: the client; empty where the request names none.
        secret: what is to prove it; None: an assertion is, or nothing.
        assertion: what is to prove it, signed; None: a secret is, or nothing.
    """

    client_id: str
    secret: str | None = field(repr=False)
    assertion: str | None = field(repr=False)


def claim_of(request: OAuth2Request) -> Claim:
    """What a request says who it is from.

    Raises:
        InvalidRequestError: its assertion is longer than any that is needed.
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
    return Claim(_subject(assertion), None, assertion)


def _subject(assertion: str) -> str:
    try:
        claims = json.loads(urlsafe_b64decode(assertion.split(".")[1] + "=="))
        subject = claims["sub"]
    except (ValueError, LookupError, TypeError):
        return ""
    return subject if isinstance(subject, str) else ""


class Logins:
    """Judges claims. Belongs to one event loop."""

    def __init__(self, known: KnownClients, participants: Participants, policy: LoginPolicy) -> None:
        self._known = known
        self._participants = participants
        # Apart: what fails with secrets does not keep out clients with keys.
        self._wrong_secrets = WrongLogins(policy)
        self._wrong_assertions = WrongLogins(policy)
        self._without_proof = WrongLogins(policy)
        self._nobodys = secrets.kept("")
        self._nobodys_keys = json.dumps({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}).decode()
        self._assertions: Counter[str] = Counter()
        self._old: Counter[str] = Counter()
        self._reading = ThreadPoolExecutor(max_workers=2, thread_name_prefix="logins")
        self._hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="old-secrets")

    def recognise(self, claim: Claim) -> bool:
        """Whether a secret proves a client that is known: one hash, and the same time for a client that does not exist."""
        return claim.secret is not None and _fits(claim, self._known.get(claim.client_id), self._nobodys)

    async def by_secret(self, claim: Claim, address: str) -> Credentials | None:
        """The client that a secret proves; None: it proves none.

        Raises:
            LoginsLimited: too many like it failed.
        """
        known = self._known.get(claim.client_id)
        if _fits(claim, known, self._nobodys):
            self._wrong_secrets.proved(claim.client_id, address)
            return known
        # Counted before it is judged, so that no more of them are judged side by side.
        self._wrong_secrets.check(claim.client_id, address)
        self._wrong_secrets.failed(claim.client_id, address)
        loop = asyncio.get_running_loop()
        # Also for a client that is known: its secret may have changed since, and both take the same time.
        stored = await loop.run_in_executor(self._reading, self._participants.credentials, claim.client_id)
        if _fits(claim, stored, self._nobodys) or await self._fits_old(claim, stored):
            self._wrong_secrets.forgive(claim.client_id, address)
            self._wrong_secrets.proved(claim.client_id, address)
            return stored
        return None

    async def _fits_old(self, claim: Claim, stored: Credentials | None) -> bool:
        """Whether the secret fits an argon2 hash of an earlier version, which a digest replaces then."""
        if stored is None or claim.secret is None or not secrets.is_old(stored.secret_hash):
            return False
        with _one_of(self._old, claim.client_id, _OLD_OF_CLIENT, _OLD_OF_ALL):
            work = asyncio.get_running_loop().run_in_executor
            fits = await work(self._hashing, secrets.fits_old, claim.secret, stored.secret_hash)
            if fits:
                renewed = secrets.kept(claim.secret)
                renew = self._participants.renew_hash
                await work(self._reading, renew, claim.client_id, stored.secret_hash, renewed)
        return fits

    @contextmanager
    def assertion(self, claim: Claim, address: str) -> Iterator[Credentials | None]:
        """The judging of an assertion, or of a request without any proof, which others do; they tell with `failed` if it failed.

        The client is given that signed the assertion, if it is known: it is not asked for what failed before. Whether the
        assertion holds, and comes for the first time, is not judged here.

        Raises:
            LoginsLimited: too many like it failed, or too many of its address are judged now.
        """
        with _one_of(self._assertions, household(address), _ASSERTIONS_OF_ADDRESS, 8 * _ASSERTIONS_OF_ADDRESS):
            signer = self._signer(claim)
            if signer is None:
                self._counted(claim).check(claim.client_id, address)
            yield signer

    def _signer(self, claim: Claim) -> Credentials | None:
        """The client that is known and signed an assertion; one that is not known takes as long."""
        if claim.assertion is None:
            return None
        known = self._known.get(claim.client_id)
        kept = known.jwks if known is not None else None
        signed = verified(claim.assertion, KeySet.import_key_set(json.loads(kept or self._nobodys_keys)))
        return known if kept and signed is not None else None

    def _counted(self, claim: Claim) -> WrongLogins:
        return self._without_proof if claim.assertion is None else self._wrong_assertions

    def proved(self, claim: Claim, address: str) -> None:
        """An assertion proved its client."""
        self._counted(claim).proved(claim.client_id, address)

    def failed(self, claim: Claim, address: str) -> None:
        """An assertion, or a request without any proof, proved nothing."""
        self._counted(claim).failed(claim.client_id, address)

    def close(self) -> None:
        """Let go of the threads."""
        self._reading.shutdown()
        self._hashing.shutdown()


def _fits(claim: Claim, credentials: Credentials | None, nobodys: str) -> bool:
    """Whether a secret is the client's, in the same time for a client that does not exist."""
    fits = secrets.fits(claim.secret or "", credentials.secret_hash if credentials else nobodys)
    return fits and credentials is not None


@contextmanager
def _one_of(under_way: Counter[str], whose: str, most_each: int, most: int) -> Iterator[None]:
    """Count something as under way.

    Raises:
        LoginsLimited: too much of it is.
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
