"""What a newcomer copies from the demo works, on a demo that goes on; a signal ends that with all of it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.samples import demo
from tests.services.waiting import until

pytestmark = pytest.mark.timeout(450)


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that goes on: its process, and what it has printed."""

    process: subprocess.Popen[bytes]
    output: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    output = tmp_path_factory.mktemp("demo") / "output"
    output.touch()
    with demo.a_running_demo(output) as process:
        demo.wait_for("expected arrivals", output, process)
        yield Running(process, output)


def test_the_commands_that_it_prints_work(running: Running) -> None:
    commands = [line for line in running.output.read_text().splitlines() if line.startswith(("TOKEN=", "curl "))]
    script = "\n".join(f"{command}; echo" for command in commands)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    _, published, feed, records, _ = (json.loads(text or "{}") for text in done.stdout.splitlines())
    assert published["position"] > 0
    assert len(feed["events"]) == 3
    assert len(records["records"]) == 3


def test_a_closed_terminal_ends_it_with_all_its_processes_and_files(running: Running) -> None:
    places = demo.addresses(running.output.read_text())
    assert all(map(demo.answering, places))
    (folder,) = re.findall(r"data and logs: (\S+)", running.output.read_text())
    running.process.send_signal(signal.SIGHUP)
    assert running.process.wait(60) == 0, running.output.read_text()
    assert not [place for place in places if demo.answering(place)]
    assert not Path(folder).exists()


def test_children_of_a_killed_demo_end_by_themselves(tmp_path: Path) -> None:
    line = "while True: time.sleep(1)"
    program = f"""
import os, sys, time
from pathlib import Path
from samples.children import Children
with Children(Path({str(tmp_path)!r})) as children:
    command = [sys.executable, "-c", "import json, os, time; print(json.dumps({{'pid': os.getpid()}}), flush=True); {line}"]
    print(children.start("child", command, os.environ).read_announcement(60)["pid"], flush=True)
    {line}
"""
    program = program.replace(f"; {line}", "; time.sleep(300)")
    with subprocess.Popen([sys.executable, "-c", program], cwd=demo.ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not Path(f"/proc/{child}").exists())
