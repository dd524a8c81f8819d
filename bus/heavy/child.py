"""A worker process: reads jobs from its standard input, and writes their answers to its standard output.

It imports a job's module when the first such job comes. It ends when its server is gone.
"""

import ctypes
import importlib
import os
import resource
import signal
import sys
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
"""Publishing goes first on a busy machine."""


def main() -> None:
    """Serve until the server closes the pipe. Arguments: bytes of memory, seconds of processor time of one job."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    _end_with_server()
    _bound_memory(memory)
    with suppress(OSError):
        os.nice(_NICENESS)
    # A terminal, or a service manager, signals the whole group: the server says when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, _take_output()
    while (parts := message.read_blocking(asked)) is not None:
        # The kernel ends the process when the time is used up, whatever library holds the interpreter.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = _answer(parts[0].decode(), parts[1:])
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.writelines(message.encode(answer))
        answers.flush()


def _answer(name: str, parts: list[bytes]) -> list[bytes]:
    module, _, function = name.partition(":")
    try:
        return [OK, getattr(importlib.import_module(module), function)(*parts)]
    except Refused as refusal:
        return [REFUSED, pack(refusal)]
    except (MemoryError, RecursionError, SystemError) as error:
        # A library that gets no memory may fail without an error, which the interpreter reports as a SystemError.
        return [HEAVY, type(error).__name__.encode()]
    except Exception as error:  # noqa: BLE001 - the server raises it; only its type, since its message may hold data
        return [FAILED, type(error).__name__.encode()]


def _bound_memory(size: int) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    # A core file would hold data.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_server() -> None:
    """Have the kernel end this process with its server, even while a job runs. Elsewhere than on Linux the pipe's end does."""
    server = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            sys.exit()


def _take_output() -> BinaryIO:
    """The pipe to the server, which no library prints into."""
    pipe = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    return pipe


if __name__ == "__main__":
    main()
