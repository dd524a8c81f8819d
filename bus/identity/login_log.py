"""Successful logins in the process log: which client proved itself, by which method and from where.

A line never holds a secret or an assertion.
"""

from dataclasses import dataclass

from bus.actions import Actor, Attempts, Channel, make_refused_request
from bus.identity.clients import Client
from bus.identity.scopes import Scope
from bus.telemetry import TOKENS, log_done


@dataclass(frozen=True, slots=True)
class Login:
    """A successful login.

    Attributes:
        client: the client that proved itself.
        method: `client_secret` or `private_key_jwt`.
        address: the client's network address.
    """

    client: Client
    method: str
    address: str

    @property
    def actor(self) -> Actor:
        """The client as an actor."""
        client = self.client
        is_operator = Scope.ADMIN in client.scopes
        return Actor(client.participant, is_operator, Channel.HTTP, self.address, client_id=client.client_id)

    def log(self, endpoint: str) -> None:
        """Log the login at an endpoint that makes no token."""
        log_done("client.authenticated", endpoint=endpoint, **self._write_fields())

    def log_token(self, scope: str, seconds: int) -> None:
        """Log and count an issued token. The limit on tokens bounds the number of lines."""
        TOKENS.labels(self.client.participant).inc()
        log_done("token.issued", scope=scope, seconds=seconds, **self._write_fields())

    def note_scope(self, attempts: Attempts) -> None:
        """Note in the action log that the client asked for more scopes than it has."""
        attempts.note(make_refused_request(self.actor, "POST /oauth/token", "invalid-scope"))

    def _write_fields(self) -> dict[str, str]:
        client = self.client
        return {
            "client_id": client.client_id,
            "participant": client.participant,
            "method": self.method,
            "address": self.address,
        }
