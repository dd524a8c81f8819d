"""Whether a database that was full has room again."""

from typing import Any, Final

import sqlalchemy as sa

from bus.problem import Refused
from bus.storage.changes import CHANGES_TABLE
from bus.storage.database import Storage

_ROWS: Final[list[dict[str, Any]]] = [{"topic": f"{number:>1000}", "number": 0} for number in range(64)]
"""Rows of 64 KiB together, so that the database has to grow. Their transaction deletes them, so nobody sees them."""
_LARGE: Final = sa.func.length(CHANGES_TABLE.c.topic) == len(_ROWS[0]["topic"])


def has_room(storage: Storage) -> bool:
    """Whether the database takes data. It is tried out if the last transaction found it full; else nothing is written."""
    if not storage.is_full:
        return True
    try:
        with storage.write() as transaction:
            transaction.execute(sa.insert(CHANGES_TABLE), _ROWS)
            transaction.execute(sa.delete(CHANGES_TABLE).where(_LARGE))
    except Refused:
        return False
    return True
