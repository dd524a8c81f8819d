"""The endpoint of pushes: an agency sends something to the bus, as its own interface says.

Promise: no byte of the body is read before a proof in the header is right. If the proof covers the body, at most 64 KiB are read
before it.
"""

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from bus import clock, json
from bus.http.admissions import admit
from bus.http.openapi_parts import JSON
from bus.http.rooms import Rooms, TheRooms
from bus.http.unpacking import BodyTooLarge
from bus.kit import PushAnswer, PushRequest, Verdict
from bus.limits import Limit
from bus.problem import Refused

router = APIRouter(prefix="/v1/agencies", tags=["Agencies"])

LARGEST_PUSH: Final = 1024 * 1024
"""Most bytes of a push."""
_LARGEST_UNPROVEN: Final = 64 * 1024
"""Most bytes of a push whose proof covers the body: the bus reads them before it knows who sends."""
_OWN: Final[dict[str, Any]] = {"content": {JSON: {"schema": {"type": "object"}}}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "What the agency expects; of some agencies also the answer to a refused push", **_OWN},
    202: {"description": "What the agency expects", **_OWN},
    400: {"description": "The push is refused", **_OWN},
    401: {"description": "The proof is missing or wrong", **_OWN},
    403: {"description": "The push is refused", **_OWN},
    413: {"description": "The push is too large"},
    415: {"description": "The body has a content coding that the bus does not read"},
    422: {"description": "The push is refused", **_OWN},
    507: {"description": "The disk is full; nothing was stored"},
}

Agency = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f]+$", description="the adapter's name")]
OperationName = Annotated[
    str, Path(max_length=100, pattern=r"^[^\x00-\x1f]+$", description="the adapter's operation, which does `push`")
]


class PushDenied(Refused):
    """The bus does not know the sender of this push; send the proof that the agency's interface asks for."""

    status = 401
    slug = "push-denied"


class PushRefused(Refused):
    """The push holds something that the contract does not allow; mend it and send it again."""

    status = 422
    slug = "push-refused"


@router.post("/{agency}/push/{operation}", responses=_ANSWERS, openapi_extra={"security": []})
async def receive_push(request: Request, rooms: TheRooms, agency: Agency, operation: OperationName) -> Response:
    """Take what an agency sends. The agency proves itself, and is answered, as its own interface says.

    The answer of success comes after the commit. What comes again changes nothing. What does not fit the contract is refused.
    """
    pushes, address = rooms.pushes, request.client.host if request.client else ""
    push = _read_head(request)
    is_right = pushes.verify(agency, operation, push, address)
    if is_right is None:
        push = replace(push, body=await _read_body(request, _LARGEST_UNPROVEN))
        is_right = pushes.verify(agency, operation, push, address)
    if not is_right:
        return _deny(pushes.answer(agency, operation, Verdict.DENIED))
    await admit(request, pushes.find_principal(agency), None, Limit.PUBLISH)
    if push.body is None:
        push = replace(push, body=await _read_body(request, LARGEST_PUSH))
    return await _take(rooms, agency, operation, push)


async def _take(rooms: Rooms, agency: str, operation: str, push: PushRequest) -> Response:
    verdict = await rooms.pushes.take(agency, operation, push)
    answer = rooms.pushes.answer(agency, operation, verdict)
    if answer is not None:
        return _write(answer)
    if verdict is Verdict.REFUSED:
        raise PushRefused(
            "The push does not fit its contract; the contract's owner sees the rules in GET /v1/refusals."
        )
    return _write(PushAnswer(200, {}))


def _read_head(request: Request) -> PushRequest:
    """The request without its body. Of a field or a parameter that comes several times, the last one counts."""
    return PushRequest(
        path=request.url.path,
        query_string=request.url.query,
        query=dict(request.query_params),
        headers=dict(request.headers.items()),
        at=clock.now(),
    )


async def _read_body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise BodyTooLarge(f"Send at most {most} bytes.")
    return bytes(body)


def _deny(answer: PushAnswer | None) -> Response:
    if answer is None:
        raise PushDenied("The proof is missing or wrong.", headers={"WWW-Authenticate": 'Agency realm="push"'})
    return _write(answer)


def _write(answer: PushAnswer) -> Response:
    headers = {"WWW-Authenticate": 'Agency realm="push"'} if answer.status == PushDenied.status else None
    return Response(json.dumps(answer.body), answer.status, headers, media_type=JSON)
