"""A worker process: it reads jobs from its standard input, and writes answers to its standard output.

It imports a job's module at the first such job. It ends when its server ends.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Final

from bus.heavy import message
from bus.heavy.refusal import pack
from bus.problem import Refused

OK: Final = b"ok"
REFUSED: Final = b"refused"
HEAVY: Final = b"heavy"
FAILED: Final = b"failed"

_PR_SET_PDEATHSIG: Final = 1
_NICENESS: Final = 10
"""The worker's low priority: on a busy machine, publishing goes first."""


def main() -> None:
    """Serve until the server closes the pipe.

    The command line gives the bytes of memory, then the seconds of processor time for one job.
    """
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    _end_with_server()
    _bound_memory(memory)
    with suppress(OSError):
        os.nice(_NICENESS)
    # A terminal or a service manager signals the whole process group. The server alone ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, _take_output()
    while (parts := message.read_blocking(asked)) is not None:
        # Before the clock: the first job of a module would pay for the import of it.
        job = _find_job(parts[0].decode())
        # The kernel ends the process when its time is used up, even while a library holds the interpreter.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = _answer(job, parts[1:])
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.writelines(message.encode(answer))
        answers.flush()


def _find_job(name: str) -> Callable[..., bytes]:
    """The function that a job's name (`module:function`) means."""
    module, _, function = name.partition(":")
    job: Callable[..., bytes] = getattr(importlib.import_module(module), function)
    return job


def _answer(job: Callable[..., bytes], parts: list[bytes]) -> list[bytes]:
    try:
        return [OK, job(*parts)]
    except Refused as refusal:
        return [REFUSED, pack(refusal)]
    except (MemoryError, RecursionError, SystemError) as error:
        # A library without memory may fail without an error. The interpreter then raises SystemError.
        return [HEAVY, type(error).__name__.encode()]
    except Exception as error:  # noqa: BLE001 - the server raises it. Only the type goes there: the message may hold data
        return [FAILED, type(error).__name__.encode()]


def _bound_memory(size: int) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    # A core file would hold personal data.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_server() -> None:
    """Have Linux end this process with its server, even during a job. Elsewhere the process ends at the pipe's end."""
    server = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            sys.exit()


def _take_output() -> BinaryIO:
    """The pipe to the server. Standard output then leads nowhere, so that no library can print into the pipe."""
    pipe = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return pipe


if __name__ == "__main__":
    main()
