"""Refusals as JSON, on their way from a worker to the server."""

import sys
from typing import Any

from bus import json
from bus.problem import FieldError, Refused


def pack(refusal: Refused) -> bytes:
    """The refusal as JSON."""
    kind = type(refusal)
    return json.dumps(
        {
            "kind": [kind.__module__, kind.__qualname__],
            "detail": refusal.detail,
            "errors": [[error.pointer, error.detail, error.rule] for error in refusal.errors],
            "headers": refusal.headers,
            "members": refusal.members,
        }
    )


def unpack(text: bytes) -> Refused:
    """The refusal that `pack` wrote."""
    given: dict[str, Any] = json.loads(text)
    errors = [FieldError(*error) for error in given["errors"]]
    return _find_kind(*given["kind"])(given["detail"], errors=errors, headers=given["headers"], **given["members"])


def _find_kind(module: str, name: str) -> type[Refused]:
    # The server that raises the refusal has imported its class. So no other module is imported on a worker's word.
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Refused) else Refused
