"""The OAuth 2.0 server: tokens for clients (RFC 6749, section 4.4), revocation (RFC 7009), introspection (RFC 7662).

authlib does the protocol. This module connects it with the bus's clients, tokens and threads. A secret is checked before its
request gets a thread. So only requests with a right secret or with an assertion wait for threads.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from bus.actions import Attempts, make_failed_login
from bus.identity.authentication import (
    ASSERTION_METHOD,
    FAILED,
    METHODS,
    ClientAssertion,
    ClientDirectory,
    OAuthClient,
)
from bus.identity.clients import Client
from bus.identity.form import Call, OAuthRequest, check_one_method
from bus.identity.login_log import Login
from bus.identity.logins import Logins, read_claim
from bus.identity.participants import Participants
from bus.identity.scopes import CLIENT_CHALLENGE, Scope
from bus.identity.tokens import Principal, Tokens, Unauthenticated
from bus.identity.wrong_logins import LoginPolicy
from bus.limits import Bucket, Limit, Limited, Limits
from bus.storage import Storage


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to send: the JSON of an answer or an error, as the RFCs define it."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


_UNAUTHORIZED: Final = 401

Endpoint = Callable[[OAuth2Request], Answer]


class OAuthServer:
    """The three endpoints that clients call with their credentials. Belongs to one event loop."""

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
            return self._logins.recognise(read_claim(OAuthRequest(call)))
        except OAuth2Error:
            return False

    async def issue_token(self, call: Call) -> Answer:
        """An access token for a client that proves itself."""
        return await self._answer(self._server.create_token_response, call, self._take_token)

    async def revoke(self, call: Call) -> Answer:
        """Revoke a token of the caller's client. A token that is already invalid is no error."""
        return await self._answer(self._server.revoke, call, self._take_token)

    async def introspect(self, call: Call) -> Answer:
        """The state and claims of a token of the caller's client. The operator may ask about any token."""
        return await self._answer(self._server.introspect, call, self._take_read)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()
        self._logins.close()

    async def _answer(self, endpoint: Endpoint, call: Call, take: Callable[[Client, int], Bucket]) -> Answer:
        """The endpoint's answer to a call, if the client's limits allow the call.

        Args:
            take: charges a number of a client's calls to a limit, and returns the limit's bucket.
        """
        try:
            request = OAuthRequest(call)
            check_one_method(request)
            request.claim = read_claim(request)
            if request.claim.secret is None:
                return await self._answer_assertion(endpoint, request, take)
            return await self._answer_secret(endpoint, request, take)
        except OAuth2Error as error:
            return self._server.handle_response(*error())
        except Limited as limited:
            # RFC 6749 has no other error for this case (section 4.1.2.1).
            body = {"error": "temporarily_unavailable", "error_description": limited.detail}
            return Answer(limited.status, body, limited.headers)

    async def _answer_secret(
        self, endpoint: Endpoint, request: OAuthRequest, take: Callable[[Client, int], Bucket]
    ) -> Answer:
        request.proven = await self._logins.judge_secret(request.claim, request.address)
        bucket = None if request.proven is None else take(request.proven.client, 1)
        return _add_limits(await self._in_thread(endpoint, request), bucket)

    async def _answer_assertion(
        self, endpoint: Endpoint, request: OAuthRequest, take: Callable[[Client, int], Bucket]
    ) -> Answer:
        claim = request.claim
        with self._logins.judge_assertion(claim, request.address) as signer:
            # Charged before it is judged: who signs the same again and again makes work that is his own.
            bucket = None if signer is None else take(signer.client, 1)
            answer = await self._in_thread(endpoint, request)
        if request.authenticated is not None:
            self._logins.note_proof(claim, request.address)
            return _add_limits(answer, bucket or take(request.authenticated, 1))
        if signer is None:
            self._logins.note_failure(claim, request.address)
        return _add_limits(answer, bucket)

    def _take_token(self, client: Client, units: int) -> Bucket:
        return self._limits.take_token(client.participant, client.client_id, units)

    def _take_read(self, client: Client, units: int) -> Bucket:
        return self._limits.take(client.participant, Limit.READ, units)

    async def _in_thread(self, endpoint: Endpoint, request: OAuthRequest) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._server.answer, endpoint, request)


def _add_limits(answer: Answer, bucket: Bucket | None) -> Answer:
    """The answer, with what is left of its client's limit."""
    if bucket is None:
        return answer
    fields = {name.decode(): value.decode() for name, value in bucket.write_fields()}
    return Answer(answer.status, answer.body, {**answer.headers, **fields})


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

    def answer(self, endpoint: Endpoint, request: OAuthRequest) -> Answer:
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
        fields = dict(headers)
        if status == _UNAUTHORIZED:
            # RFC 6749, section 5.2: the challenge of the scheme that clients use here. authlib's own has no realm.
            fields["WWW-Authenticate"] = CLIENT_CHALLENGE
        return Answer(status, body, fields)

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
            client = self._authenticate(request, methods, endpoint)
        except InvalidClientError:
            known = self._participants.find_client(request.claim.client_id)
            client_id, whose = (known.client_id, known.participant) if known else (None, None)
            self.attempts.note(make_failed_login(client_id, whose, request.address))
            raise
        if endpoint != "token":
            _make_login(request, client.client).log(endpoint)
        return client

    def _authenticate(self, request: OAuth2Request, methods: list[str], endpoint: str) -> OAuthClient:
        if request.claim.secret is not None and request.proven is None:
            raise InvalidClientError(FAILED, status_code=401)
        try:
            client: OAuthClient = (
                super().authenticate_client(request, [ASSERTION_METHOD], endpoint)
                if request.proven is None
                else OAuthClient(request.proven)
            )
        except InvalidClientError as error:
            raise InvalidClientError(_explain(error, request.payload.data), status_code=401) from None
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


def _explain(error: InvalidClientError, sent: Mapping[str, Any]) -> str:
    """Why a client is not believed, in words about what it sent."""
    if not sent.get("client_assertion"):
        return FAILED
    if sent.get("client_assertion_type") != ClientAssertion.CLIENT_ASSERTION_TYPE:
        return f"Send client_assertion_type={ClientAssertion.CLIENT_ASSERTION_TYPE} with the assertion (RFC 7523)."
    return str(error.description)


def _make_login(request: OAuthRequest, client: Client) -> Login:
    method = ASSERTION_METHOD if request.proven is None else "client_secret"
    return Login(client, method, request.address)


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # authlib is not typed
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        self.request.check_resources(self.server.tokens.issuer)
        super().validate_requested_scope()
        client = self.client.client
        asked = frozenset((self.request.payload.scope or "").split())
        if beyond := asked - client.scopes:
            _make_login(self.request, client).note_scope(self.server.attempts)
            raise InvalidScopeError(f"This client may not have {' '.join(sorted(beyond))}.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        # Like authlib's method, which would also write the token to its debug log.
        token = self.generate_token(scope=self.request.payload.scope)
        _make_login(self.request, self.client.client).log_token(token["scope"], token["expires_in"])
        return 200, token, self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True, slots=True)
class _Token:
    """A valid token in the form that authlib's endpoints need."""

    principal: Principal

    def check_client(self, client: OAuthClient) -> bool:
        return self.principal.client_id == client.client.client_id

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


def _verify(tokens: Tokens, token: str) -> _Token | None:
    try:
        return _Token(tokens.verify(b"Bearer " + token.encode()))
    except Unauthenticated:
        return None


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # authlib is not typed
    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: OAuth2Request, client: OAuthClient) -> None:
        # An unknown hint is no error (RFC 7009, section 2.1).
        _demand_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _verify(self.server.tokens, token_string)

    def revoke_token(self, token: _Token, request: OAuth2Request) -> None:
        self.server.tokens.revoke(token.principal, _make_login(request, request.client.client).actor)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # authlib is not typed
    CLIENT_AUTH_METHODS = METHODS

    def check_params(self, request: OAuth2Request, client: OAuthClient) -> None:
        _demand_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _verify(self.server.tokens, token_string)

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
