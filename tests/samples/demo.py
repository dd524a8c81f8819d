"""A demo in a process of its own, and what it prints."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests import no_tls

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-m", "samples.run")


@dataclass(frozen=True, slots=True)
class Ended:
    """A demo that has ended."""

    code: int
    output: str

    def counts(self, contract: str, consumer: str, way: str) -> list[int]:
        """Said, expected, arrived and wrong of one flow."""
        (row,) = [
            line.split("  ")
            for line in self.output.splitlines()
            if line.startswith("flow: ") and line.split("  ")[1:4] == [contract, consumer, way]
        ]
        return [int(text) for text in row[4:]]


def run_once(folder: Path, *options: str) -> Ended:
    """Run a demo to its own end; what it leaves behind, after a failure, is below `folder`."""
    done = subprocess.run(
        [*COMMAND, "--once", *options],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


@contextmanager
def a_running_demo(output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo that goes on until it is ended, its output in a file."""
    with output.open("wb") as file, subprocess.Popen([*COMMAND], cwd=ROOT, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for(text: str, output: Path, process: subprocess.Popen[bytes], within: float = 200.0) -> str:
    """What a demo has printed once `text` is in it."""
    deadline = time.monotonic() + within
    while text not in (printed := output.read_text()):
        assert process.poll() is None, printed
        assert time.monotonic() < deadline, printed
        time.sleep(0.2)
    return printed


def addresses(output: str) -> set[str]:
    """Where bus, simulators and apps listen, or listened."""
    return set(re.findall(r"http://127\.0\.0\.1:\d+", output))


def answering(address: str) -> bool:
    """Whether anybody listens there."""
    try:
        no_tls.get(address, timeout=5.0)
    except httpx.TransportError:
        return False
    return True
