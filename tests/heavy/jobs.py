"""Jobs that go wrong, for workers to run."""

import os
import signal
import time

from bus import json
from bus.contracts.errors import DocumentInvalid
from bus.problem import FieldError


def echoed(*parts: bytes) -> bytes:
    return b"|".join(parts)


def process_id() -> bytes:
    return str(os.getpid()).encode()


def environment() -> bytes:
    return json.dumps(dict(os.environ))


def never_ends() -> bytes:
    while True:
        pass


def sleeps() -> bytes:
    time.sleep(30)
    return b""


def takes_all_memory() -> bytes:
    return b"".join([bytes(1024 * 1024)] * 4096)


def recurses() -> bytes:
    return recurses()


def crashes() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def prints() -> bytes:
    print("noise")
    os.write(1, b"noise")
    return b"answer"


def refuses() -> bytes:
    raise DocumentInvalid("It is wrong.", errors=[FieldError("/a", "is wrong", "type")], headers={"a": "b"}, more=[1])


def fails() -> bytes:
    raise KeyError("3524000000000001")
