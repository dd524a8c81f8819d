"""For apps of some routes, without the edge and its rooms: what the edge does for limits, methods and forms."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, FastAPI

from bus.http.admissions import admission_in
from bus.http.semantics import understand
from bus.http.surface import Surface
from bus.limits import LimitRegister, Policy
from bus.limits.register import Own


def admitting(app: FastAPI, *routers: APIRouter) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """The app, whose requests are understood as the edge does, and give back what they hold of limits."""
    surface = Surface()
    for router in routers:
        surface.add(router.routes)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        try:
            if scope["type"] == "http" and routers:
                understand(surface, scope)
            await app(scope, receive, send)
        finally:
            if admission := admission_in(scope):
                admission.end()

    return answer


class NoOwnLimits(LimitRegister):
    """A register in which everybody has the defaults."""

    def __init__(self) -> None:
        self.defaults = Policy.model_validate({})

    def read_all(self) -> dict[str, Own]:
        """Nobody has limits of its own."""
        return {}
