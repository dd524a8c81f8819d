"""Logins that succeeded, in the process log: which client proved itself, how and from where. Never with what."""

from dataclasses import dataclass

from bus.actions import Actor, Attempts, Channel, make_refused_request
from bus.identity.participants import Client
from bus.identity.scopes import Scope
from bus.telemetry import TOKENS, log_done


@dataclass(frozen=True, slots=True)
class Login:
    """A client that proved itself.

    Attributes:
        method: `client_secret` or `private_key_jwt`.
        address: the client's network address.
    """

    client: Client
    method: str
    address: str

    @property
    def actor(self) -> Actor:
        """The client as the one who acts."""
        client = self.client
        is_operator = Scope.ADMIN in client.scopes
        return Actor(client.participant, is_operator, Channel.HTTP, self.address, client_id=client.client_id)

    def log(self, endpoint: str) -> None:
        """Log the login at an endpoint that makes no token."""
        log_done("client.authenticated", endpoint=endpoint, **self._write_fields())

    def log_token(self, scope: str, seconds: int) -> None:
        """Log and count a token that was made. The limit on tokens bounds the lines."""
        TOKENS.labels(self.client.participant).inc()
        log_done("token.issued", scope=scope, seconds=seconds, **self._write_fields())

    def note_scope(self, attempts: Attempts) -> None:
        """Have the action log tell that the client asked for more scopes than it has."""
        attempts.note(make_refused_request(self.actor, "POST /oauth/token", "invalid-scope"))

    def _write_fields(self) -> dict[str, str]:
        client = self.client
        return {
            "client_id": client.client_id,
            "participant": client.participant,
            "method": self.method,
            "address": self.address,
        }
