"""Acquaintances: who is known to the bus, told in memory, so that the front door lets nobody known wait behind strangers."""

from collections.abc import Sequence

from starlette.datastructures import Headers

from bus.http.front_door.request import Field
from bus.identity import Call, OAuthServer, Principal, Tokens


class Acquaintances:
    """Tells who is known; nothing here waits."""

    def __init__(self, tokens: Tokens, oauth: OAuthServer) -> None:
        self._tokens = tokens
        self._oauth = oauth

    def find_sender(self, authorization: bytes) -> Principal | None:
        """Who sends a value of the Authorization header, if it was verified before."""
        return self._tokens.known(authorization)

    def recognise(self, fields: Sequence[Field], form: bytes) -> bool:
        """Whether a login shows the right secret of a client. It takes one hash, right or wrong."""
        return self._oauth.recognise(Call(Headers(raw=list(fields)), form, ""))
