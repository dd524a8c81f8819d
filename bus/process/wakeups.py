"""Wakeups: tell the parts of one process at once what the process did. They need not wait for their next look."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, ParamSpec

Told = ParamSpec("Told")


class Signal(Generic[Told]):
    """Calls all listeners. A constructor gets the signal as a callable. A part that is made later listens. Callable from any
    thread."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[Told, None], ...] = ()

    def listen(self, listener: Callable[Told, None]) -> None:
        """Add a listener. It runs in the thread that calls the signal. It must neither block nor raise."""
        self._listeners += (listener,)

    def __call__(self, *told: Told.args, **more: Told.kwargs) -> None:
        """Call all listeners in the order in which they were added."""
        for listener in self._listeners:
            listener(*told, **more)


@dataclass(frozen=True, slots=True)
class Wakeups:
    """What a process tells its own parts.

    Attributes:
        changed: a transaction that announced a change is committed (`bus.storage.announce`).
        appended: the journal reached this position.
        finished: the outcomes of a run are written. The argument says whether something is due now.
        owed: deliveries were made for subscriptions that are pulled. The argument holds the subscriptions' numbers.
    """

    changed: Signal[[]] = field(default_factory=Signal)
    appended: Signal[[int]] = field(default_factory=Signal)
    finished: Signal[[bool]] = field(default_factory=Signal)
    owed: Signal[[Collection[int]]] = field(default_factory=Signal)
