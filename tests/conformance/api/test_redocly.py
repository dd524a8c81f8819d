"""Redocly's recommended rules over the OpenAPI document: no error, and no warning."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from bus import json
from tests.a_bus import Bus
from tests.a_node_package import install
from tests.conformance.a_table import Row, read_row
from tests.conformance.api.the_document import count_operations, read_locked, write_document

HERE = Path(__file__).parent
_SECONDS = 120

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_once
async def test_redocly_s_recommended_rules_find_nothing(
    bus: Bus, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    tools = install(request.config, HERE)
    document = write_document(bus, tmp_path)
    command = [tools / "node_modules/.bin/redocly", "lint", document, "--extends", "recommended", "--format", "json"]
    quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=tools, env=quiet, capture_output=True, timeout=_SECONDS, check=False
    )
    found = json.loads(ended.stdout[ended.stdout.index(b"{") :])
    assert [(problem["ruleId"], problem["message"], problem["location"]) for problem in found["problems"]] == []
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}
    assert ended.returncode == 0


@only_once
def test_the_table_says_what_ran(bus: Bus) -> None:
    number = count_operations(bus)
    assert read_row("Redocly CLI (@redocly/cli)") == Row(read_locked(HERE, "@redocly/cli"), number, number)
