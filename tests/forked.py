"""Commands of the bus as processes that are forked from one that has imported it: the import takes longer than most tests.

They are what `python -P -m bus …` is, but for the import. `tests/cli` and `tests/packaging` start commands as users do.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Final

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.forked", "bus.cli.serve"])


class Forked:
    """One command, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self,
        line: Sequence[str],
        environment: Mapping[str, str],
        out: Path,
        err: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            line: its arguments, without `bus`.
            out: file to which its standard output is appended.
            err: likewise for its standard error; None: the same file.
            folder: its working directory; None: this process's.
        """
        self._process = _FORKS.Process(
            target=_run, args=(list(line), dict(environment), out, err or out, folder or Path.cwd())
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """Wait for its end, and give back its exit code.

        Raises:
            TimeoutExpired: it runs for longer.
        """
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            raise TimeoutExpired("bus", seconds)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power failure would."""
        self.send_signal(signal.SIGKILL)


def run_bus(*line: str, environment: Mapping[str, str], seconds: float = 60) -> "CompletedProcess[str]":
    """Run a command of the bus to its end.

    Raises:
        TimeoutExpired: it runs for longer.
    """
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = Forked(line, environment, out, err)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return CompletedProcess(line, code, out.read_text(), err.read_text())


def _run(line: list[str], environment: dict[str, str], out: Path, err: Path, folder: Path) -> None:
    from bus.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # As Python does when it starts.
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", *sys.path)]
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["bus", *line]
    main()
