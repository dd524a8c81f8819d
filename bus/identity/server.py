"""The OAuth 2.0 server: tokens for clients (RFC 6749, section 4.4), revocation (RFC 7009), introspection (RFC 7662).

authlib does the protocol; here it meets the bus's clients, tokens and threads. Whether a secret is right is known before a
request gets a thread, so that only those wait for each other that prove a client or come with an assertion.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from bus.actions import Attempts, failed_login
from bus.identity.authentication import (
    ASSERTION_METHOD,
    FAILED,
    METHODS,
    ClientAssertion,
    ClientDirectory,
    OAuthClient,
)
from bus.identity.login_log import Login
from bus.identity.logins import Claim, Logins, claim_of
from bus.identity.participants import Client, Credentials, Participants
from bus.identity.scopes import Scope
from bus.identity.tokens import Principal, Tokens, Unauthenticated
from bus.identity.wrong_logins import LoginPolicy
from bus.limits import Bucket, Limit, Limited, Limits
from bus.storage import Storage

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Call:
    """A POST to one of the endpoints.

    Attributes:
        headers: by name, whatever the case of its letters.
        body: the form.
        address: the caller's network address.
    """

    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back: JSON, as the RFCs shape it, errors included."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


Endpoint = Callable[[OAuth2Request], Answer]


class OAuthServer:
    """The three endpoints that clients call with their credentials."""

    def __init__(
        self,
        tokens: Tokens,
        participants: Participants,
        storage: Storage,
        token_seconds: int,
        limits: Limits,
        logins: LoginPolicy,
        attempts: Attempts,
    ) -> None:
        self._server = _Server(tokens, participants, storage, token_seconds, attempts)
        self._limits = limits
        self._logins = Logins(tokens.clients, participants, logins)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="oauth")

    def recognise(self, call: Call) -> bool:
        """Whether a call shows the right secret of a known client; judged in memory, without waiting, and counted nowhere."""
        try:
            return self._logins.recognise(claim_of(_Request(call)))
        except OAuth2Error:
            return False

    async def token(self, call: Call) -> Answer:
        """An access token for a client that proves itself."""
        return await self._answer(self._server.create_token_response, call, self._take_token)

    async def revoke(self, call: Call) -> Answer:
        """Make a token of the caller's worthless; a token that is worth nothing anyway is no error."""
        return await self._answer(self._server.revoke, call, self._take_token)

    async def introspect(self, call: Call) -> Answer:
        """What a token says and whether it stands: the caller's own, or any for the operator."""
        return await self._answer(self._server.introspect, call, self._take_read)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown()
        self._logins.close()

    async def _answer(self, endpoint: Endpoint, call: Call, take: Callable[[Client, int], Bucket]) -> Answer:
        """What an endpoint answers to a call that its client's limits allow.

        Args:
            take: charges so many calls of a client to a limit.
        """
        try:
            request = _Request(call)
            _one_method(request)
            request.claim = claim_of(request)
            if request.claim.secret is None:
                return await self._with_assertion(endpoint, request, take)
            return await self._with_secret(endpoint, request, take)
        except OAuth2Error as error:
            return self._server.handle_response(*error())
        except Limited as limited:
            # RFC 6749 has no error for it but this, of section 4.1.2.1.
            body = {"error": "temporarily_unavailable", "error_description": limited.detail}
            return Answer(limited.status, body, limited.headers)

    async def _with_secret(
        self, endpoint: Endpoint, request: "_Request", take: Callable[[Client, int], Bucket]
    ) -> Answer:
        request.proven = await self._logins.by_secret(request.claim, request.address)
        bucket = None if request.proven is None else take(request.proven.client, 1)
        return _with_limits(await self._in_thread(endpoint, request), bucket)

    async def _with_assertion(
        self, endpoint: Endpoint, request: "_Request", take: Callable[[Client, int], Bucket]
    ) -> Answer:
        claim = request.claim
        with self._logins.assertion(claim, request.address) as signer:
            # Charged before it is judged: who signs the same again and again makes work that is his own.
            bucket = None if signer is None else take(signer.client, 1)
            answer = await self._in_thread(endpoint, request)
        if request.authenticated is not None:
            self._logins.proved(claim, request.address)
            return _with_limits(answer, bucket or take(request.authenticated, 1))
        if signer is None:
            self._logins.failed(claim, request.address)
        return _with_limits(answer, bucket)

    def _take_token(self, client: Client, units: int) -> Bucket:
        return self._limits.take_token(client.participant, client.client_id, units)

    def _take_read(self, client: Client, units: int) -> Bucket:
        return self._limits.take(client.participant, Limit.READ, units)

    async def _in_thread(self, endpoint: Endpoint, request: "_Request") -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._server.answer, endpoint, request)


def _with_limits(answer: Answer, bucket: Bucket | None) -> Answer:
    """The answer, with what is left of its client's limit."""
    if bucket is None:
        return answer
    fields = {name.decode(): value.decode() for name, value in bucket.fields()}
    return Answer(answer.status, answer.body, {**answer.headers, **fields})


class _Request(OAuth2Request):  # type: ignore[misc]  # authlib is not typed
    def __init__(self, call: Call) -> None:
        # authlib would refuse plain http, judging by the last hop; whether the whole way is TLS, the operator's
        # public URL and proxy decide.
        super().__init__("POST", "https://localhost/oauth", headers=call.headers)
        self.address = call.address
        self.claim = Claim("", None, None)
        self.proven: Credentials | None = None
        self.authenticated: Client | None = None
        self.fields = _fields(call)
        self.payload = BasicOAuth2Payload(self.fields)

    @property
    def form(self) -> dict[str, str]:
        return self.fields


def _fields(call: Call) -> dict[str, str]:
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequestError(f"Send the parameters as {_FORM}.")
    try:
        pairs = parse_qsl(call.body.decode(), max_num_fields=50, errors="strict")
    except ValueError:
        raise InvalidRequestError("The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        # RFC 6749, section 3.2.
        raise InvalidRequestError("A parameter is sent more than once.")
    return fields


class _Server(AuthorizationServer):  # type: ignore[misc]  # authlib is not typed
    def __init__(
        self, tokens: Tokens, participants: Participants, storage: Storage, token_seconds: int, attempts: Attempts
    ) -> None:
        super().__init__(scopes_supported=list(Scope))
        self.tokens = tokens
        self._participants = participants
        self.attempts = attempts
        self._token_seconds = token_seconds
        self.query_client = ClientDirectory(participants)
        self.register_client_auth_method(ASSERTION_METHOD, ClientAssertion(storage, tokens.issuer))
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    def answer(self, endpoint: Endpoint, request: "_Request") -> Answer:
        try:
            return endpoint(request)
        except OAuth2Error as error:
            return self.handle_response(*error())

    def revoke(self, request: OAuth2Request) -> Answer:
        answer: Answer = self.create_endpoint_response(_Revocation.ENDPOINT_NAME, request)
        return answer

    def introspect(self, request: OAuth2Request) -> Answer:
        answer: Answer = self.create_endpoint_response(_Introspection.ENDPOINT_NAME, request)
        return answer

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def get_token_grant(self, request: OAuth2Request) -> ClientCredentialsGrant:
        if not request.payload.grant_type:
            raise InvalidRequestError("The parameter grant_type is missing.")
        if not _ClientCredentials.check_token_endpoint(request):
            raise OAuth2Error("Only client_credentials is supported.", error="unsupported_grant_type")
        return super().get_token_grant(request)

    def authenticate_client(self, request: OAuth2Request, methods: list[str], endpoint: str = "token") -> OAuthClient:
        try:
            client = self._authenticated(request, methods, endpoint)
        except InvalidClientError:
            known = self._participants.client_named(request.claim.client_id)
            client_id, whose = (known.client_id, known.participant) if known else (None, None)
            self.attempts.note(failed_login(client_id, whose, request.address))
            raise
        if endpoint != "token":
            _login(request, client.client).log(endpoint)
        return client

    def _authenticated(self, request: OAuth2Request, methods: list[str], endpoint: str) -> OAuthClient:
        if request.claim.secret is not None and request.proven is None:
            raise InvalidClientError(FAILED, status_code=401)
        try:
            client: OAuthClient = (
                super().authenticate_client(request, [ASSERTION_METHOD], endpoint)
                if request.proven is None
                else OAuthClient(request.proven)
            )
        except InvalidClientError as error:
            named = error.description if request.payload.data.get("client_assertion") else FAILED
            raise InvalidClientError(named, status_code=401) from None
        except UnicodeDecodeError:
            raise InvalidClientError("The Authorization header is not UTF-8.", status_code=401) from None
        named_id = request.payload.client_id
        if named_id and named_id != client.client.client_id:
            # RFC 7521, section 4.2.
            raise InvalidClientError("The client_id is not the client that proved itself.", status_code=401)
        request.authenticated = client.client
        return client

    def generate_token(self, client: OAuthClient, scope: str | None, **_: Any) -> dict[str, Any]:
        scopes = frozenset(scope.split()) if scope else client.client.scopes
        return {
            "access_token": self.tokens.issue(client.client, scopes, self._token_seconds),
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "scope": " ".join(sorted(scopes)),
        }


def _login(request: "_Request", client: Client) -> Login:
    method = ASSERTION_METHOD if request.proven is None else "client_secret"
    return Login(client, method, request.address)


def _one_method(request: _Request) -> None:
    ways = [
        request.headers.get("authorization", "").lower().startswith("basic "),
        "client_secret" in request.fields,
        "client_assertion" in request.fields,
    ]
    if sum(ways) > 1:
        # RFC 6749, section 2.3.
        raise InvalidRequestError("Prove the client in one way, not in several.")


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # authlib is not typed
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        super().validate_requested_scope()
        client = self.client.client
        asked = frozenset((self.request.payload.scope or "").split())
        if beyond := asked - client.scopes:
            _login(self.request, client).note_scope(self.server.attempts)
            raise InvalidScopeError(f"This client may not have {' '.join(sorted(beyond))}.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        # As authlib's, which also writes the token to its debug log.
        token = self.generate_token(scope=self.request.payload.scope)
        _login(self.request, self.client.client).log_token(token["scope"], token["expires_in"])
        return 200, token, self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True, slots=True)
class _Token:
    """A valid token as authlib's endpoints ask about it."""

    principal: Principal

    def check_client(self, client: OAuthClient) -> bool:
        return self.principal.client_id == client.client.client_id

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


def _valid(tokens: Tokens, token: str) -> _Token | None:
    try:
        return _Token(tokens.verify(b"Bearer " + token.encode()))
    except Unauthenticated:
        return None


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # authlib is not typed
    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: OAuth2Request, client: OAuthClient) -> None:
        # The hint is only a hint (RFC 7009, section 2.1): a strange one is no error.
        _demand_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _valid(self.server.tokens, token_string)

    def revoke_token(self, token: _Token, request: OAuth2Request) -> None:
        self.server.tokens.revoke(token.principal, _login(request, request.client.client).actor)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # authlib is not typed
    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: OAuth2Request, client: OAuthClient) -> None:
        _demand_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _valid(self.server.tokens, token_string)

    def check_permission(self, token: _Token, client: OAuthClient, request: OAuth2Request) -> bool:
        return token.check_client(client) or Scope.ADMIN in client.client.scopes

    def introspect_token(self, token: _Token) -> dict[str, Any]:
        principal = token.principal
        issuer = self.server.tokens.issuer
        return {
            "active": True,
            "scope": " ".join(sorted(principal.scopes)),
            "client_id": principal.client_id,
            "participant": principal.participant,
            "token_type": "Bearer",
            "exp": int(principal.expires_at),
            "sub": principal.client_id,
            "aud": issuer,
            "iss": issuer,
            "jti": principal.jti,
        }


def _demand_token(request: OAuth2Request) -> None:
    if "token" not in request.form:
        raise InvalidRequestError("The parameter token is missing.")
