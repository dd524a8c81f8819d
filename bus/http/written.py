"""Writes answers as JSON without holding up the event loop, however large they are."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel

from bus import json
from bus.http.pieces import dumps_in_pieces

_JSON: Final = "application/json"
_SMALL: Final = 32 * 1024
"""Characters and values that are written in the event loop, or in one piece."""


async def write_answer(value: Any, headers: Mapping[str, str]) -> Response:
    """The answer with a JSON value. A large value is written in a thread."""
    is_small = json.is_small(value, _SMALL)
    text = json.dumps(value) if is_small else await asyncio.to_thread(dumps_in_pieces, value, _SMALL)
    return Response(text, headers=dict(headers), media_type=_JSON)


def write_model(
    model: BaseModel, headers: Mapping[str, str] | None = None, status: int = 200, *, has_nulls: bool = True
) -> Response:
    """The answer with a small model.

    Args:
        has_nulls: whether members that are null are written.
    """
    text = model.model_dump_json(by_alias=True, exclude_none=not has_nulls)
    return Response(text, status, headers, media_type=_JSON)


def write_page(page: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """The answer with a page of entries, written one by one.

    Synchronous: call it from threads. FastAPI would write the page in the event loop.

    Args:
        page: a model with lists of models, and at least one other member.
        headers: the answer's header fields.
    """
    lists = {name: value for name, value in page if isinstance(value, list)}
    others = page.model_dump_json(exclude=set(lists), by_alias=True).encode()[1:-1]
    members = [others, *(_member(name, entries) for name, entries in lists.items())]
    return Response(b"{%b}" % b",".join(members), headers=headers, media_type=_JSON)


def _member(name: str, entries: list[BaseModel]) -> bytes:
    return b"%b:[%b]" % (
        json.dumps(name),
        b",".join(entry.model_dump_json(by_alias=True).encode() for entry in entries),
    )
