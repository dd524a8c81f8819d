"""The identity provider (OpenID Connect Core 1.0): sends members there, and reads what it says of who came back.

Authorization code with PKCE (RFC 7636). `state`, `nonce` and the verifier belong to one challenge, so nobody stores them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bus import clock, json
from bus.staff.challenges import Challenges, read_birth
from bus.staff.errors import PasskeyRefused, ProviderUnavailable, SignInRefused

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures with a key pair alone: a secret shared with the client would let the client write identities."""
_DISCOVERY: Final = "/.well-known/openid-configuration"
_SCOPE: Final = "openid profile"
_SECONDS: Final = 10.0
_SKEW_SECONDS: Final = 60
_KEPT: Final = timedelta(minutes=10)
_MOST_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How the bus knows its identity provider.

    Attributes:
        issuer: the provider's address, as its tokens name it.
        secret: the client's secret; empty: the client has none, and PKCE alone protects the code.
        role_claim: the claim that has the role (`peran`).
        participant_claim: the claim that has the participant of a role that acts for one.
    """

    issuer: str
    client_id: str
    secret: str
    role_claim: str
    participant_claim: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came back from the provider.

    Attributes:
        name: what the provider calls the person for sign-in; empty: nothing.
        roles: the texts of the role claim.
    """

    issuer: str
    subject: str
    name: str
    roles: frozenset[str]
    participant: str | None


class Provider:
    """Speaks with the identity provider. Belongs to one event loop."""

    def __init__(
        self, settings: ProviderSettings, challenges: Challenges, open_http: Callable[[], httpx.AsyncClient]
    ) -> None:
        self._settings = settings
        self._challenges = challenges
        self._open_http = open_http
        self._found: Mapping[str, Any] = {}
        self._found_at = clock.now() - _KEPT

    @property
    def issuer(self) -> str:
        """The provider's address, as its tokens name it."""
        return self._settings.issuer

    async def write_address(self, bound: str, callback: str, *, again: bool) -> str:
        """The provider's address that asks who somebody is.

        Args:
            bound: the value of the browser's cookie.
            callback: the page of the console that the provider leads back to.
            again: whether the person proves the account again, although the provider knows the browser.

        Raises:
            ProviderUnavailable: see the class.
        """
        challenge = self._challenges.make(_name_purpose(again=again), bound)
        asked = {"prompt": "login", "max_age": "0"} if again else {}
        found = await self._discover()
        address: str = prepare_grant_uri(
            found["authorization_endpoint"],
            self._settings.client_id,
            "code",
            redirect_uri=callback,
            scope=_SCOPE,
            state=("again." if again else "first.") + _encode(challenge),
            nonce=self._derive(challenge, "nonce"),
            code_challenge=create_s256_code_challenge(self._derive(challenge, "verifier")),
            code_challenge_method="S256",
            **asked,
        )
        return address

    async def prove(self, code: str, state: str, bound: str, callback: str) -> Identity:
        """Who came back.

        Args:
            code, state: as the provider sent them.
            bound: the value of the browser's cookie.
            callback: the page that the provider led back to.

        Raises:
            SignInRefused: the answer is not for this browser, came twice, or its token is wrong.
            ProviderUnavailable: see the class.
        """
        kind, _, text = state.partition(".")
        again = kind == "again"
        try:
            challenge = _decode(text)
            self._challenges.check(challenge, _name_purpose(again=again), bound)
        except (PasskeyRefused, ValueError):
            raise SignInRefused("The provider's answer is not for this browser, or came too late.") from None
        token = await self._fetch_token(code, self._derive(challenge, "verifier"), callback)
        claims = await self._read(token, self._derive(challenge, "nonce"))
        if again:
            self._check_age(claims, challenge)
        return self._make_identity(claims)

    def use(self, state: str) -> None:
        """Note that an answer was used. Synchronous: call it from a thread.

        Raises:
            SignInRefused: it was used before.
        """
        try:
            self._challenges.use(_decode(state.partition(".")[2]))
        except PasskeyRefused:
            raise SignInRefused("The provider's answer was used before.") from None

    async def _discover(self) -> Mapping[str, Any]:
        """What the provider says of itself, which is kept for some minutes."""
        if clock.now() - self._found_at >= _KEPT:
            found = await self._ask("GET", self._settings.issuer.rstrip("/") + _DISCOVERY)
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != self._settings.issuer or not all(
                isinstance(found.get(one), str) for one in names
            ):
                raise ProviderUnavailable(
                    "The provider names another issuer than BUS_OIDC_ISSUER, or lacks an endpoint."
                )
            self._found, self._found_at = found, clock.now()
        return self._found

    async def _fetch_token(self, code: str, verifier: str, callback: str) -> str:
        found, settings = await self._discover(), self._settings
        body = prepare_token_request("authorization_code", "", callback, code=code, code_verifier=verifier)
        known = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
        auth = ClientAuth(settings.client_id, settings.secret, method if settings.secret else "none")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        uri, headers, body = auth.prepare("POST", found["token_endpoint"], headers, body)
        token = (await self._ask("POST", uri, headers, body)).get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("The provider gave no ID token.")
        return token

    async def _read(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token for this client (OpenID Connect Core 1.0, section 3.1.3.7)."""
        keys = await self._ask("GET", (await self._discover())["jwks_uri"])
        client = self._settings.client_id
        registry = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=_SKEW_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
            registry.validate(read.claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise SignInRefused("The provider's ID token is not for this bus, or has ended.") from None
        is_shared = isinstance(read.claims["aud"], list) and len(read.claims["aud"]) > 1
        if read.claims.get("azp", None if is_shared else client) != client:
            raise SignInRefused("The provider's ID token is for another client.")
        return read.claims

    def _check_age(self, claims: Mapping[str, Any], challenge: bytes) -> None:
        """Refuse a proof that the provider did not ask the person for. `auth_time` is required with `max_age`."""
        at = claims.get("auth_time")
        if not isinstance(at, (int, float)) or at + _SKEW_SECONDS < read_birth(challenge).timestamp():
            raise SignInRefused("The provider did not ask for a new proof.")

    def _make_identity(self, claims: Mapping[str, Any]) -> Identity:
        roles, participant = claims.get(self._settings.role_claim), claims.get(self._settings.participant_claim)
        name, subject = claims.get("preferred_username"), claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise SignInRefused("The provider's ID token names nobody.")
        texts = roles if isinstance(roles, list) else [roles]
        return Identity(
            self._settings.issuer,
            subject,
            name if isinstance(name, str) else "",
            frozenset(one for one in texts if isinstance(one, str)),
            participant if isinstance(participant, str) else None,
        )

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Mapping[str, Any]:
        """The JSON object that the provider answers.

        Raises:
            SignInRefused: the provider refuses the code.
            ProviderUnavailable: see the class.
        """
        try:
            async with self._open_http() as http:
                answer = await http.request(method, address, headers=headers, content=body, timeout=_SECONDS)
            if answer.status_code in (400, 401) and method == "POST":
                raise SignInRefused("The provider does not know this code, or does not know the bus.")
            document = json.loads(answer.content[:_MOST_BYTES]) if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            document = None
        if not isinstance(document, dict):
            raise ProviderUnavailable("The identity provider does not answer as it should.")
        return document

    def _derive(self, challenge: bytes, what: str) -> str:
        return _encode(self._challenges.derive(challenge, f"provider {what}"))


def _name_purpose(*, again: bool) -> str:
    return "provider again" if again else "provider"


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
