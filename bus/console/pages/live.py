"""Langsung: the live numbers of the start page, as server-sent events."""

from typing import Annotated

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bus.console.cookies import SESSION, read_cookie
from bus.console.live import Live, stream
from bus.console.page import page_router
from bus.console.render import words_of
from bus.console.roles import SUBSCRIBING
from bus.console.visit import Visit, visiting

router = page_router()


@router.get(
    "/konsol/langsung", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def watch(request: Request, visit: Annotated[Visit, visiting(*SUBSCRIBING)]) -> Response:
    """The numbers, whenever they change."""
    state = request.app.state
    if not hasattr(state, "live"):
        state.live = Live(visit.rooms)
    live: Live = state.live
    live.check_room(visit.session.id)
    secret, language = read_cookie(request, SESSION), words_of(request).language
    events = stream(live, visit.rooms, secret, visit.session.id, visit.reach, language)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, headers=headers, media_type="text/event-stream")
