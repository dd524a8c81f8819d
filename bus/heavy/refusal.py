"""A refusal's way from a worker to the server, as JSON."""

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
    """The refusal that `packed` wrote."""
    given: dict[str, Any] = json.loads(text)
    errors = [FieldError(*error) for error in given["errors"]]
    return _find_kind(*given["kind"])(given["detail"], errors=errors, headers=given["headers"], **given["members"])


def _find_kind(module: str, name: str) -> type[Refused]:
    # The server that raises it has the class: only a module that is there already is looked into.
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Refused) else Refused
