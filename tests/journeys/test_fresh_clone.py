"""From a fresh clone to an own receiver: the lines of the guide, in its order, with the bus that they start."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samples.port import free_port
from tests.samples.demo import ROOT
from tests.samples.test_apps import ENTER, FORWARD, PUBLISH, PULL, RECEIVE, START, Checkout, line_of
from tests.services.waiting import until

_SECONDS = 90
"""Processor time of the whole way after the set-up: what other work takes of the machine does not count."""


def a_clone(folder: Path) -> Path:
    """A clone after `make setup`, with what the guide's lines use."""
    unwanted = shutil.ignore_patterns("node_modules", "vendor", "__pycache__", "*.cursor")
    for part in ("clients", "samples/apps"):
        shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@contextmanager
def started(checkout: Checkout, line: str) -> Iterator[None]:
    """The guide's bus in a terminal of its own, until the block ends."""
    with checkout.running(line, enters=False) as output:
        until(lambda: "Ctrl-C" in output.read_text(), 90)
        yield


def test_a_newcomer_gets_an_own_event_in_an_own_receiver_by_the_guides_lines_alone(tmp_path: Path) -> None:
    began = _processor_seconds()
    checkout = Checkout(a_clone(tmp_path))
    setup, activate, dev = (line.partition("#")[0].strip() for line in START.splitlines())
    assert setup == "make setup"
    # Another bus may have the usual port.
    with started(checkout, f"{activate}\n{dev} --port {free_port()}"):
        assert ". .bus-dev/dinas-kominfo.env" in ENTER
        assert re.search(r"^published: position \d+$", checkout.run(line_of(PUBLISH, "python")), re.MULTILINE)
        assert "dinas-kominfo.konsultasi" in checkout.run(line_of(PULL, "python"))
        port = str(free_port())
        receive, forward = (text.replace("9000", port) for text in (line_of(RECEIVE, "python"), FORWARD))
        with checkout.running(f"export PORT={port}", receive) as received, checkout.running(forward):
            until(lambda: "received: layanan.katalog dinas-kominfo.konsultasi" in received.read_text(), 60)
    assert 1 < _processor_seconds() - began < _SECONDS


def _processor_seconds() -> float:
    """What the processes that this one started, and that have ended, took."""
    times = os.times()
    return times.children_user + times.children_system
