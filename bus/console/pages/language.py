"""Bahasa: the language of the pages in this browser."""

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from bus.console.cookies import LANGUAGE, set_cookie
from bus.console.page import go_to, is_inside, page_router

router = page_router()

_YEAR = 365 * 86_400


@router.get("/konsol/bahasa/{language}")
async def choose_language(
    request: Request, language: Literal["id", "en"], ke: Annotated[str, Query(max_length=300)] = "/konsol"
) -> Response:
    """Show the page in another language from now on."""
    response = go_to(ke if is_inside(ke) else "/konsol")
    set_cookie(request, response, LANGUAGE, language, _YEAR)
    return response
