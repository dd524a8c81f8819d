"""The processes of a demo, each in its own process group, with its output in files. The demo ends all of them."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

LONGEST_STOP: Final = 10.0
"""Seconds between SIGTERM and SIGKILL, for an orderly end."""

_LOOK_SECONDS: Final = 0.05
_LAST_LINES: Final = 5
_LINUX: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
_PARENT_DEATH: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class ChildFailed(Exception):
    """A process of the demo ended, or did not start; the message names the process and its log."""


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent dies, even by SIGKILL. Runs in the child, before its program."""
    if _LINUX is not None:
        _LINUX.prctl(_PARENT_DEATH, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)


class Child:
    """One process. Its output is in `<name>.out`, its standard error in `<name>.log`."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._out = logs / f"{name}.out"
        with self._out.open("wb") as out, self.log.open("wb") as log:
            # In its own process group, so that Ctrl-C reaches the demo alone, which then ends its children in order.
            self._process = subprocess.Popen(  # noqa: S603  the product's own commands
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(_end_with, os.getpid()),
            )

    def read_announcement(self, within: float) -> dict[str, Any]:
        """The JSON that the process prints once it listens.

        Args:
            within: most seconds to wait.

        Raises:
            ChildFailed: the process ended, or printed no line in time.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            line, complete, _ = self._out.read_bytes().partition(b"\n")
            if complete:
                announced: dict[str, Any] = json.loads(line)
                return announced
            self.check()
            time.sleep(_LOOK_SECONDS)
        raise ChildFailed(f"{self.name} did not come up within {within:.0f} s; see {self.log}")

    def check(self) -> None:
        """Check that the process runs.

        Raises:
            ChildFailed: the process ended by itself.
        """
        if self._process.poll() is not None:
            last = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
            raise ChildFailed("\n  ".join([f"{self.name} ended ({self._process.returncode}); see {self.log}", *last]))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to its own children."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def wait_for_end(self, deadline: float) -> bool:
        """Whether the process ends before `deadline`, a time of the monotonic clock."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True


class Children:
    """All processes of a demo. The end of the context ends them: by SIGTERM, and later by SIGKILL."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start a process."""
        child = Child(name, command, env, self._logs)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Check that all processes run.

        Raises:
            ChildFailed: a process ended by itself.
        """
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """End all processes, the last started first."""
        for child in reversed(self._children):
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + LONGEST_STOP
        for child in self._children:
            if not child.wait_for_end(deadline):
                child.signal(signal.SIGKILL)
                child.wait_for_end(time.monotonic() + LONGEST_STOP)
        self._children.clear()
