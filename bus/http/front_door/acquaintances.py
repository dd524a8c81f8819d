"""Acquaintances: tells from memory which clients the bus knows, so that they do not wait behind strangers."""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers

from bus.http.front_door.request import Field
from bus.identity import Call, OAuthServer, Principal, Tokens
from bus.staff import SESSION_COOKIE, Sessions

_MOST_COOKIES: Final = 50


class Acquaintances:
    """Tells which clients are known. No method waits."""

    def __init__(self, tokens: Tokens, oauth: OAuthServer, sessions: Sessions) -> None:
        self._tokens = tokens
        self._oauth = oauth
        self._sessions = sessions

    def find_sender(self, authorization: bytes) -> Principal | None:
        """The sender of an Authorization header, if its token was verified before; otherwise None."""
        return self._tokens.find_known(authorization)

    def knows_member(self, cookies: Sequence[bytes]) -> bool:
        """Whether one of the cookies is that of a console's session that lives, as far as this process remembers."""
        pairs = [pair.strip().partition(b"=") for one in cookies for pair in one.split(b";")[:_MOST_COOKIES]]
        named = (value for name, _, value in pairs if SESSION_COOKIE in name)
        return any(self._sessions.remembers(value.decode("latin-1")) for value in named)

    def recognise(self, fields: Sequence[Field], form: bytes) -> bool:
        """Whether a login has the right secret of a client. It takes one hash, for right and wrong secrets."""
        return self._oauth.recognise(Call(Headers(raw=list(fields)), form, ""))
