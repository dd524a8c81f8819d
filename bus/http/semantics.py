"""What HTTP asks of every endpoint alike (RFC 9110): methods, HEAD, parameters, and the form and coding of the answer.

An endpoint's own code sees a GET in the place of a HEAD. It asks `form_of` and `is_head` where that makes a difference.
"""

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from bus.http.negotiation import PLAIN, Coding, choose_coding, require_form
from bus.http.packing import leave_unpacked, read_conditions
from bus.http.parameters import check_parameters
from bus.http.surface import JSON, Endpoint, Surface

Field = tuple[bytes, bytes]

_FORM: Final = "bus.form"
_HEAD: Final = "bus.is_head"


class Understood(NamedTuple):
    """What a request asks for.

    Attributes:
        coding: of the answer.
        vary: request fields by which the answer was chosen.
        methods: what OPTIONS asks for; None of another method.
    """

    coding: Coding = PLAIN
    vary: tuple[bytes, ...] = ()
    methods: str | None = None


def understand(surface: Surface, scope: MutableMapping[str, Any]) -> Understood:
    """What a request asks for; the request's scope is made ready for its endpoint.

    Raises:
        PathUnknown, MethodNotAllowed: there is no such endpoint.
        ParametersWrong: its query has a parameter that the endpoint does not take.
        NotAcceptable: the endpoint has no form, or no coding, that the client takes.
    """
    method, path = scope["method"], scope["path"]
    if method == "OPTIONS":
        return Understood(methods=surface.list_methods(path))
    endpoint = surface.find(method, path)
    if method == "HEAD":
        scope["method"], scope[_HEAD] = "GET", True
    read_conditions(scope)
    coding = choose_coding(_join_lines(scope, b"accept-encoding"))
    if endpoint is None:
        return Understood(coding, (b"Accept-Encoding",))
    # It counts the request also where the endpoint's own code never sees it.
    scope["route"] = endpoint.route
    check_parameters(scope["query_string"], endpoint.parameters)
    if endpoint.forms:
        scope[_FORM] = require_form(_join_lines(scope, b"accept") or "", endpoint.forms)
    return Understood(coding, _list_varying(endpoint))


def form_of(request: Request) -> str:
    """The media type in which a client wants the answer: one of those that the route describes."""
    form: str = request.scope[_FORM]
    return form


def is_head(request: Request) -> bool:
    """Whether nobody reads the answer's content."""
    return _HEAD in request.scope


def add_vary(fields: list[Field], varying: Iterable[bytes]) -> list[Field]:
    """Header fields whose `Vary` names the request fields by which the answer was chosen (section 12.5.5)."""
    own = tuple(value for name, value in fields if name == b"vary")
    vary = _write_vary(own, tuple(varying))
    return [field for field in fields if field[0] != b"vary"] + ([(b"vary", vary)] if vary else [])


class ContentUnread(Response):
    """The answer to a HEAD whose content is not made: without its length (section 9.3.2)."""

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Send the head."""
        if self.media_type == JSON:
            # A page may be too short to be packed.
            leave_unpacked(scope)
        fields = [field for field in self.raw_headers if field[0] != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": fields})
        await send({"type": "http.response.body", "body": b""})


def _list_varying(endpoint: Endpoint) -> tuple[bytes, ...]:
    if not endpoint.forms:
        return ()
    return (b"Accept", b"Accept-Encoding") if len(endpoint.forms) > 1 else (b"Accept-Encoding",)


@lru_cache(256)
def _write_vary(own: tuple[bytes, ...], varying: tuple[bytes, ...]) -> bytes:
    names = [name.strip() for value in own for name in value.split(b",")] + list(varying)
    return b", ".join({name.lower(): name for name in names if name}.values())


def _join_lines(scope: MutableMapping[str, Any], wanted: bytes) -> str | None:
    """A field that may come in several lines (section 5.3); None if it is absent."""
    values = [value for name, value in scope["headers"] if name == wanted]
    return b",".join(values).decode("latin-1") if values else None
