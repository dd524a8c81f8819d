"""Routes of pages: each checks the token of a form before anything else, and shows a refusal as a page."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from bus.console.explanations import explain
from bus.console.form import check_token, read_form
from bus.console.proof import ProofTooOld, write_proof_address
from bus.console.render import show, words_of
from bus.console.visit import NotSignedIn, asks_itself, bound_of, find_session
from bus.problem import Refused

SIGN_IN: Final = "/konsol/masuk"
_FIRST_SIGNS: Final = "/konsol"


class Page(APIRoute):
    """A route of the console."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                _check_address(request)
                if request.method == "POST":
                    request.state.form = await read_form(request)
                    check_token(request.state.form, bound_of(request))
                return await answer(request)
            except NotSignedIn:
                return _lead_to_sign_in(request)
            except ProofTooOld as refusal:
                return _lead(request, write_proof_address(refusal.wanted))
            except RequestValidationError:
                return await show_refusal(request, Refused("Part of the address is not as the console writes it."))
            except Refused as refusal:
                return await show_refusal(request, refusal)

        return handle


def _check_address(request: Request) -> None:
    """Refuse an address with a NUL, which PostgreSQL takes in no text."""
    texts = [request.url.path, *request.query_params.values()]
    if any("\0" in text for text in texts):
        raise Refused("Part of the address is not as the console writes it.")


def page_router() -> APIRouter:
    """A router whose routes are pages."""
    return APIRouter(route_class=Page, include_in_schema=False, default_response_class=HTMLResponse)


def go_to(path: str) -> RedirectResponse:
    """Have the browser go to a page of the console, with GET."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def is_inside(path: str) -> bool:
    """Whether a path is one of the console, and not an address elsewhere."""
    is_below = path == _FIRST_SIGNS or path.startswith(f"{_FIRST_SIGNS}/")
    # A cookie and a header field hold ASCII; browsers take a backslash for a slash.
    return is_below and "\\" not in path and path.isascii() and path.isprintable()


def _lead_to_sign_in(request: Request) -> Response:
    return _lead(request, f"{SIGN_IN}?tujuan={quote(request.url.path)}")


def _lead(request: Request, address: str) -> Response:
    """Have the browser go to a page that stands before the wanted page."""
    if asks_itself(request) or request.headers.get("hx-request") == "true":
        # htmx would put that page in the place of the part. With this field it leads the whole page there.
        return Response(status_code=204, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return go_to(address)


async def show_refusal(request: Request, refusal: Refused) -> Response:
    """A refusal as a page: what happened, and what to do."""
    # The page has the menu of who is signed in.
    await find_session(request)
    response = show(
        request,
        "ditolak.html",
        refusal.status,
        explanation=explain(refusal, words_of(request)),
        refusal=refusal,
    )
    response.headers.update({name: value for name, value in refusal.headers.items() if name == "Retry-After"})
    return response
