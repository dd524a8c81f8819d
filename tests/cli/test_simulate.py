"""`bus simulate`: says where it listens and how to get in, or why it does not start."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bus.cli.simulate import simulate
from tests import no_tls

app = typer.Typer()
app.command()(simulate)

COMMAND = (sys.executable, "-c", "import typer; from bus.cli.simulate import simulate; typer.run(simulate)")


@contextmanager
def a_running_simulator(*arguments: str) -> Iterator[dict[str, Any]]:
    """What `bus simulate` announced, as long as it runs."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def test_it_listens_once_it_has_said_so() -> None:
    with a_running_simulator("pupr") as announced:
        answer = no_tls.get(f"{announced['address']}/_simulator/received")
    assert answer.json() == {"received": []}


def test_it_announces_the_settings_that_let_the_adapter_in() -> None:
    with a_running_simulator("bappenas") as announced:
        settings = announced["settings"]
    assert settings["BUS_ADAPTERS__BAPPENAS__BASE_URL"] == announced["address"]
    assert settings["BUS_ADAPTERS__BAPPENAS__KODE_PEMDA"] == "3524"


def test_a_fault_is_switched_on() -> None:
    with a_running_simulator("pupr", "--fault", "down", "--fault", "token") as announced:
        answer = no_tls.post(f"{announced['address']}/arcgis")
    assert answer.status_code == 503


def test_a_fault_is_switched_on_with_its_settings() -> None:
    with a_running_simulator("pupr", "--fault", "error:count=1,path=/arcgis") as announced:
        statuses = [no_tls.post(f"{announced['address']}/arcgis").status_code for _ in range(2)]
        assert "error" in no_tls.get(announced["page"]).text
    assert statuses == [500, 404]


def refusal(*arguments: str) -> str:
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


@pytest.mark.parametrize("library", ["uvicorn", "python_multipart"])
def test_a_missing_library_is_named_with_what_installs_it(library: str) -> None:
    without = f"import sys; sys.modules[{library!r}] = None; {COMMAND[-1]}"
    result = subprocess.run([sys.executable, "-c", without, "pupr"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert library in result.stderr
    assert "pip install 'bus-lamongan[simulators]'" in result.stderr


def test_an_unknown_agency_is_refused_with_the_known_ones() -> None:
    assert {"bappenas", "pupr"} <= set(refusal("dukun").split())


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    said = refusal("pupr", "--fault", "banjir")
    assert "'banjir'" in said
    assert "token: the token has expired" in said


def test_a_mistyped_fault_is_refused_with_the_nearest_one() -> None:
    assert "did you mean 'partial'" in refusal("pupr", "--fault", "partail:count=3")


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in refusal("pupr", "--port", str(port))


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_is_wrong_usage(port: str) -> None:
    assert CliRunner().invoke(app, ["pupr", "--port", port]).exit_code == 2


def test_its_help_shows_an_example() -> None:
    assert "bus simulate pupr" in CliRunner().invoke(app, ["--help"]).stdout
