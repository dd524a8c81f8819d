"""openapi-python-client over the OpenAPI document, and a program with typed feeds and records that runs against a bus."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bus.identity import Scope
from tests.a_bus import Bus
from tests.a_python_tool import install
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.conformance.a_table import Row, read_row
from tests.conformance.api.the_document import count_operations, read_pinned, write_document

HERE = Path(__file__).parent
_SECONDS = 150
_MYPY = """
[mypy]
strict = True
# The generator writes this file, whatever the document says.
[mypy-bus_api.client]
ignore_errors = True
"""

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_once
async def test_a_python_program_reads_typed_feeds_and_records(
    bus: Bus, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bus.apply(a_document(a_grant(OWNER)))
    position = await bus.publish(a_person(1), id="p1")
    program, tools = _make_client(bus, tmp_path, request.config)
    token = bus.token(OWNER, *Scope).removeprefix("Bearer ")
    async with bus.served() as address:
        arguments = (sys.executable, program, address, token, WARGA, f"/{OWNER}", "p1")
        told = await asyncio.to_thread(_run, tmp_path, tools, *arguments)
    assert told.strip() == f"{[position]} {[a_nik(1)]} stored"


@only_once
@pytest.mark.conformance
def test_the_types_of_the_python_client_hold(bus: Bus, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    bus.apply(a_document(a_grant(OWNER)))
    program, tools = _make_client(bus, tmp_path, request.config)
    (tmp_path / "mypy.ini").write_text(_MYPY)
    _run(tmp_path, tools, sys.executable, "-m", "mypy", program)


def _make_client(bus: Bus, tmp_path: Path, config: pytest.Config) -> tuple[Path, Path]:
    """A program beside its generated client, and the folder of the tools."""
    tools = install(config, HERE)
    made = _run(
        tmp_path, tools, tools / "openapi-python-client", "generate", "--path", write_document(bus, tmp_path),
        "--output-path", tmp_path / "bus_api", "--meta", "none",
    )  # fmt: skip
    left_out = [line for line in made.splitlines() if line.startswith(("WARNING", "ERROR"))]
    assert all("contracts" in line for line in left_out), made
    return Path(shutil.copy(HERE / "program.py", tmp_path)), tools


def _run(folder: Path, tools: Path, *command: str | Path) -> str:
    """The output of a command, which must succeed."""
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=_SECONDS,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@only_once
def test_the_table_says_what_ran(bus: Bus) -> None:
    number = count_operations(bus)
    assert read_row("openapi-python-client") == Row(read_pinned(HERE, "openapi-python-client"), number, number)
