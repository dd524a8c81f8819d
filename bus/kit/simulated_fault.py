"""Faults of a simulator: which are on, for which requests, and for how long. They change while the simulator runs."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from random import Random
from threading import RLock

from pydantic import BaseModel, Field, ValidationError

from bus.problem import Refused


class FaultUnfit(Refused):
    """The simulator has no such fault, or cannot switch it on so; the detail names what it has."""

    status = 422
    slug = "fault-unfit"


class SimulatedFault(BaseModel):
    """One fault that is on.

    As a text it is `NAME` or `NAME:SETTING=VALUE,SETTING=VALUE`, such as `latency:seconds=2,share=0.5`.
    """

    model_config = {"frozen": True, "extra": "forbid", "use_attribute_docstrings": True}

    name: str
    """The fault's name, such as `down`."""
    path: str = "*"
    """The paths of the requests that it meets; `*` stands for any text."""
    method: str = "*"
    """The method of the requests that it meets; `*`: every method."""
    share: float = Field(1.0, gt=0, le=1)
    """The share of these requests that it meets, by chance."""
    count: int | None = Field(None, ge=1)
    """The number of requests after which it is off; None: no bound."""
    seconds: float | None = Field(None, ge=0, le=600)
    """How long an answer takes, or for how long the agency asks the caller to wait; None: the fault's own value."""
    lasts: float | None = Field(None, gt=0)
    """Seconds after which it is off; None: no bound."""


def parse_simulated_fault(text: str) -> SimulatedFault:
    """The fault in a text.

    Raises:
        FaultUnfit: a setting is unknown, or its value is out of bounds.
    """
    name, _, settings = text.partition(":")
    pairs = [pair.partition("=") for pair in settings.split(",") if pair]
    try:
        return SimulatedFault.model_validate({"name": name, **{key: value for key, _, value in pairs}})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise FaultUnfit(f"{text!r} should be NAME:SETTING=VALUE,…; {wrong}") from None


@dataclass(slots=True)
class _Switched:
    """A fault that is on, with what is left of it."""

    fault: SimulatedFault
    left: int | None
    ends: float | None


@dataclass(slots=True)
class _Asking:
    """One request, and what was decided about it. A fault meets all of a request, or nothing of it."""

    method: str
    path: str
    decided: dict[str, SimulatedFault | None] = field(default_factory=dict)


_asking: ContextVar[_Asking | None] = ContextVar("_asking", default=None)


class SimulatedFaults:
    """The faults of one simulator. `"token" in faults` says whether the fault meets the request that is being answered.

    Args:
        known: each fault of the simulator, and its description.
        on: the faults that are on at the start, as texts.
        random: decides which requests a share meets.
        clock: seconds that never run backwards.

    Raises:
        FaultUnfit: as `switch_on` says.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        on: Iterable[str] = (),
        *,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.known = known
        self._random = random or Random()  # noqa: S311  no secret depends on it
        self._clock = clock
        self._on: list[_Switched] = []
        # A test switches faults in its own thread, while the server's thread answers.
        self._lock = RLock()
        for text in on:
            self.switch_on(parse_simulated_fault(text))

    def switch_on(self, fault: SimulatedFault) -> None:
        """Switch a fault on. It replaces a fault of the same name, path and method.

        Raises:
            FaultUnfit: the simulator has no fault of this name.
        """
        if fault.name not in self.known:
            near = get_close_matches(fault.name, self.known, 1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise FaultUnfit(f"there is no fault {fault.name!r}; {meant}There are: {', '.join(self.known)}")
        place = (fault.name, fault.path, fault.method)
        ends = None if fault.lasts is None else self._clock() + fault.lasts
        with self._lock:
            others = [one for one in self._on if (one.fault.name, one.fault.path, one.fault.method) != place]
            self._on = [*others, _Switched(fault, fault.count, ends)]

    def switch_off(self, name: str | None = None) -> None:
        """Switch off all faults of a name; None: all faults."""
        with self._lock:
            self._on = [one for one in self._on if name is not None and one.fault.name != name]

    def list_on(self) -> list[SimulatedFault]:
        """The faults that are on; `count` is what is left of it."""
        return [one.fault.model_copy(update={"count": one.left}) for one in self._list_live()]

    def find(self, name: str) -> SimulatedFault | None:
        """The fault of this name that meets the current request. Outside a request: one that is on for any request."""
        asking = _asking.get()
        if asking is None:
            return next((one.fault for one in self._list_live() if one.fault.name == name), None)
        if name not in asking.decided:
            asking.decided[name] = self._decide(name, asking)
        return asking.decided[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    @contextmanager
    def judge(self, method: str, path: str) -> Iterator[None]:
        """Have `find` decide about one request until the block ends."""
        token = _asking.set(_Asking(method, path))
        try:
            yield
        finally:
            _asking.reset(token)

    def _decide(self, name: str, asking: _Asking) -> SimulatedFault | None:
        with self._lock:
            for one in self._list_live():
                if one.fault.name == name and self._meets(one.fault, asking):
                    if one.left is not None:
                        one.left -= 1
                    return one.fault
        return None

    def _meets(self, fault: SimulatedFault, asking: _Asking) -> bool:
        meets = fault.method in ("*", asking.method) and fnmatchcase(asking.path, fault.path)
        return meets and (fault.share >= 1 or self._random.random() < fault.share)

    def _list_live(self) -> list[_Switched]:
        at = self._clock()
        with self._lock:
            self._on = [one for one in self._on if one.left != 0 and (one.ends is None or at < one.ends)]
            return self._on
