"""Orders: JSON bodies of requests, read as the bus reads all JSON, before FastAPI makes them models.

FastAPI's own reading takes UTF-16, keeps the last of two members with one name, and calls a form "no valid dictionary".
"""

from typing import Any, Final

from fastapi import Request

from bus.contracts import parse_body
from bus.journal import is_json_type
from bus.problem import Refused

_CONTENT_TYPE: Final = b"content-type"
_JSON: Final = b"application/json"


class ContentNotJson(Refused):
    """This request takes JSON; the content type says something else."""

    status = 415
    slug = "content-not-json"


class Order(Request):
    """A request whose body was read already."""

    def __init__(self, request: Request, text: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._text = text
        self._value = value

    async def body(self) -> bytes:
        """The body as it came."""
        return self._text

    async def json(self) -> Any:
        """The value of the body."""
        return self._value


async def read_order(request: Request, levels: int) -> Request:
    """The request with its JSON body read; the same request if it has no body.

    Args:
        levels: how deep the body may be nested.

    Raises:
        ContentNotJson: the content type is another one than JSON's. Without one the body counts as JSON.
        Invalid: the body is not JSON in UTF-8, is nested too deep, or has a member twice.
        NumberChanged: it has a number that the bus would hand out with another value.
        Refused: the body is too large, or too many bytes are under way.
    """
    text = await request.body()
    if not text:
        return request
    media_type = request.headers.get("content-type", "") or _JSON.decode()
    if not is_json_type(media_type):
        raise ContentNotJson("Send JSON with the header field Content-Type: application/json.")
    value = parse_body(text, levels)
    # FastAPI knows fewer names of JSON.
    others = [field for field in request.scope["headers"] if field[0] != _CONTENT_TYPE]
    request.scope["headers"] = [*others, (_CONTENT_TYPE, _JSON)]
    return Order(request, text, value)
