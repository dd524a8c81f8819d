"""The processes under test, on one core where the comparison asks for it; whoever loads them has the other."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samples.port import free_port

ALL_CORES: Final = frozenset(os.sched_getaffinity(0))
SERVER_CORE: Final = min(ALL_CORES)
LOAD_CORE: Final = max(ALL_CORES)
_START_SECONDS: Final = 30
_LISTENS: Final = "0A"
"""A socket's state in `/proc/net/tcp`."""
_SIZES: Final = ("VmRSS", "VmHWM")


class NotStarted(Exception):
    """A process under test did not come up."""


def take_load_core() -> None:
    """Keep this process off the server's core."""
    os.sched_setaffinity(0, {LOAD_CORE})


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Have this process itself on other cores until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running_python(
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    cores: Collection[int] = (SERVER_CORE,),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python …` on the server's core, or on several, until the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a process listens.

    Raises:
        NotStarted: it ended, or does not listen in time; with what it logged.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise NotStarted(log.read_text()[-4000:])


def await_listeners(port: int, count: int) -> None:
    """Wait until so many processes listen at a port together.

    Raises:
        NotStarted: they do not in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        sockets = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if sum(local.endswith(f":{port:04X}") and state == _LISTENS for local, _, state in sockets) == count:
            return
        time.sleep(0.05)
    raise NotStarted(f"not {count} processes listen at port {port}")


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test."""

    port: int
    pid: int


@contextmanager
def baseline(name: str, folder: Path) -> Iterator[Server]:
    """A baseline server of `bench.baselines`."""
    port, log = free_port(), folder / f"{name}.log"
    with running_python(["-m", "bench.baselines", name, str(port)], log) as process:
        await_port(port, process, log)
        yield Server(port, process.pid)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds of the machine's memory, in MB (10^6 bytes).

    Attributes:
        resident: all of it; SQLite's page caches and the libraries' code are in it.
        highest: the most that it was since the process began.
    """

    resident: float
    highest: float


def memory(pid: int) -> Memory:
    """What a process holds now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name in _SIZES
    }
    return Memory(*(kibibytes[name] * 1024 / 1e6 for name in _SIZES))
