"""openapi-typescript over the OpenAPI document, and a program with typed feeds and records that has to compile."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.a_bus import Bus
from tests.a_node_package import install
from tests.conformance.a_table import Row, read_row
from tests.conformance.api.the_document import count_operations, read_locked, write_document

HERE = Path(__file__).parent
_SECONDS = 120
_STRICT = ("--strict", "--noEmit", "--skipLibCheck", "false", "--target", "es2022", "--module", "es2022")

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_once
async def test_a_typescript_program_reads_typed_feeds_and_records(
    bus: Bus, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    tools = install(request.config, HERE) / "node_modules" / ".bin"
    document = write_document(bus, tmp_path)
    _run(tools / "openapi-typescript", str(document), "--output", str(tmp_path / "api.d.ts"))
    program = shutil.copy(HERE / "program.ts", tmp_path)
    _run(tools / "tsc", *_STRICT, str(program))


def _run(command: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [command, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=command.parents[2]
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@only_once
def test_the_table_says_what_ran(bus: Bus) -> None:
    number = count_operations(bus)
    assert read_row("openapi-typescript") == Row(read_locked(HERE, "openapi-typescript"), number, number)
