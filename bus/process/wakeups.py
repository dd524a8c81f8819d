"""Wakeups: the parts of one process hear at once what the process itself did, and need not wait for their next look."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, ParamSpec

Told = ParamSpec("Told")


class Signal(Generic[Told]):
    """Tells all who listen. Constructors get it as a callable; parts that are made later listen. Callable from any thread."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[Told, None], ...] = ()

    def listen(self, listener: Callable[Told, None]) -> None:
        """Have a listener called from now on, in the thread of the caller. It must neither block nor fail."""
        self._listeners += (listener,)

    def __call__(self, *told: Told.args, **more: Told.kwargs) -> None:
        """Call all listeners in the order in which they came."""
        for listener in self._listeners:
            listener(*told, **more)


@dataclass(frozen=True, slots=True)
class Wakeups:
    """What a process tells its own parts.

    Attributes:
        changed: a transaction that announced a change is committed (`bus.storage.announce`).
        appended: the journal reaches this position.
        finished: the outcomes of a run are written; whether something is due by them.
    """

    changed: Signal[[]] = field(default_factory=Signal)
    appended: Signal[[int]] = field(default_factory=Signal)
    finished: Signal[[bool]] = field(default_factory=Signal)
