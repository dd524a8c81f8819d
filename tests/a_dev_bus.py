"""A `bus dev` in a process of its own, and what it printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bus.cli.dev_notebook import Notebook
from tests.services.waiting import until

BUS = (sys.executable, "-P", "-m", "bus")


@dataclass(frozen=True, slots=True)
class DevBus:
    """A running development bus."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    output: Path

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def environment(self, office: str = "dinas-kominfo") -> dict[str, str]:
        """The environment of a terminal in which the office's file was read."""
        lines = Notebook.open(self.folder).find_environment(office).read_text()
        found = dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", lines, re.MULTILINE))
        assert found.keys() == {"BUS_URL", "BUS_CLIENT_ID", "BUS_CLIENT_SECRET", "WEBHOOK_SECRET"}
        return strange_environment() | found


def strange_environment() -> dict[str, str]:
    """The environment of a terminal that knows no bus."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BUS_", "WEBHOOK_"))}


@contextmanager
def a_dev_bus(folder: Path, *options: str) -> Iterator[DevBus]:
    """A development bus on a port that the system chooses, until the block ends."""
    output = folder / "output"
    command = [*BUS, "dev", "--data", str(folder / "bus"), *options]
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=strange_environment())
    try:
        until(lambda: "Ctrl-C" in output.read_text() or process.poll() is not None, 90)
        assert process.poll() is None, output.read_text()
        yield DevBus(process, folder / "bus", output)
    finally:
        process.terminate()
        process.wait(30)
