"""Whether the OpenAPI document describes what the edge answers: each answer to a test is looked at."""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import httpx

from bus.http.edge import Edge

_KNOWN: dict[str, Any] = {}
"""The paths of the document. They are the same for every bus, and to describe them takes long."""


def check_answers_of(edge: Edge) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for a client of an edge: it fails at a status that the operation's description lacks."""

    async def check(answer: httpx.Response) -> None:
        if not _KNOWN:
            _KNOWN.update(edge.describe()["paths"])
        path, method = answer.request.url.path, answer.request.method.lower()
        described = _find_statuses(path, "get" if method == "head" else method)
        assert described is None or str(answer.status_code) in described, (
            f"{method} {path} is answered {answer.status_code}, which its description lacks"
        )

    return check


@lru_cache(maxsize=4096)
def _find_statuses(path: str, method: str) -> frozenset[str] | None:
    """The described statuses of an operation; None: the document has no such operation."""
    # A path without parameters comes before those that it would fit into.
    for template in sorted(_KNOWN, key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(template)), path):
            operation = _KNOWN[template].get(method)
            return None if operation is None else frozenset(operation["responses"])
    return None
