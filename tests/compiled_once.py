"""Tests open thousands of databases. Without this, SQLAlchemy would compile each statement anew for each of them."""

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine


class CompiledOnce(MutableMapping[Any, Any]):
    """A cache of compiled statements for all databases of one kind.

    SQLAlchemy's keys begin with the dialect, of which each engine has its own. What it compiles depends on the kind alone.
    """

    def __init__(self) -> None:
        self._compiled: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        """What was compiled for a key."""
        return self._compiled[_name(key)]

    def __setitem__(self, key: Any, compiled: Any) -> None:
        """Keep what was compiled for a key."""
        self._compiled[_name(key)] = compiled

    def __delitem__(self, key: Any) -> None:
        """Forget a key."""
        del self._compiled[_name(key)]

    def __iter__(self) -> Iterator[Any]:
        """The keys, with the name of the kind in place of the dialect."""
        return iter(self._compiled)

    def __len__(self) -> int:
        """How many statements are kept."""
        return len(self._compiled)


def _name(key: Any) -> Any:
    dialect, *rest = key
    return (dialect.name, *rest)


def share_compiled_statements() -> None:
    """Have all engines of this process share what they compile."""
    shared = CompiledOnce()

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=shared)
