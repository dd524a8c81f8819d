"""Routes of readers: GET on feeds and on records, past FastAPI.

FastAPI's handling of a request takes as long as reading a page of a thousand events. So these routes are Starlette's. Models
describe their parameters: they read the requests, and the OpenAPI document is made from them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_origin

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from bus.disclosures import Channel
from bus.http import problems
from bus.http.openapi import Operation
from bus.http.page import Reading
from bus.http.rooms import Rooms, rooms
from bus.http.security import caller
from bus.identity import Scope

M = TypeVar("M", bound=BaseModel)

_authorise: Final = caller(Scope.EVENTS_READ)


class ReaderRoute(Route):
    """A route for reading by GET.

    Attributes:
        operation: the route's description.
    """

    def __init__(self, path: str, answer: Callable[[Request], Awaitable[Response]], operation: Operation) -> None:
        super().__init__(path, answer, methods=["GET"])
        # Starlette adds HEAD, which the edge makes a GET before.
        self.methods = {"GET"}
        self.operation = operation

    async def handle(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer one request, and count it under this route."""
        scope["route"] = self
        await super().handle(scope, receive, send)


def create_readers(routes: Sequence[ReaderRoute], rooms: Rooms) -> Starlette:
    """The application that answers readers."""
    app = Starlette(routes=routes)
    # A redirect would repeat the client's Host, with http behind a proxy: the token would follow in the clear.
    app.router.redirect_slashes = False
    problems.install(app)
    app.state.rooms = rooms
    return app


async def start_reading(request: Request, channel: Channel) -> Reading:
    """The reading of the contract that the path names, by the caller.

    Raises:
        Unauthenticated, ScopeMissing: the request has no valid token, or the token lacks the scope to read events.
        Limited, AtOnce: the caller's participant has used up its limit.
    """
    principal = await _authorise(request, None)
    return Reading(await rooms(request), request.path_params["contract"], principal, channel)


def read_query(model: type[M], request: Request) -> M:
    """The parameters in the query, by their model.

    Raises:
        Invalid: a parameter is not as the model says.
    """
    sent = request.query_params
    lists = {
        name: sent.getlist(name) for name, field in model.model_fields.items() if get_origin(field.annotation) is list
    }
    return _read(model, "query", {**sent, **{name: values for name, values in lists.items() if values}})


def read_headers(model: type[M], request: Request) -> M:
    """The header fields that a model names.

    Raises:
        Invalid: a field is not as the model says.
    """
    return _read(model, "header", request.headers)


def _read(model: type[M], place: str, values: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise problems.invalid({**one, "loc": (place, *one["loc"])} for one in error.errors()) from None
