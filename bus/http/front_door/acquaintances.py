"""Acquaintances: tells from memory which clients the bus knows, so that they do not wait behind strangers."""

from collections.abc import Sequence

from starlette.datastructures import Headers

from bus.http.front_door.request import Field
from bus.identity import Call, OAuthServer, Principal, Tokens


class Acquaintances:
    """Tells which clients are known. No method waits."""

    def __init__(self, tokens: Tokens, oauth: OAuthServer) -> None:
        self._tokens = tokens
        self._oauth = oauth

    def find_sender(self, authorization: bytes) -> Principal | None:
        """The sender of an Authorization header, if its token was verified before; otherwise None."""
        return self._tokens.find_known(authorization)

    def recognise(self, fields: Sequence[Field], form: bytes) -> bool:
        """Whether a login has the right secret of a client. It takes one hash, for right and wrong secrets."""
        return self._oauth.recognise(Call(Headers(raw=list(fields)), form, ""))
