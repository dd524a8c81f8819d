"""Schemathesis over all operations of a running bus, as a client with every right. It sends data that fit and data that do not.

`schemathesis.toml` in the root folder says what a schema cannot say. `make conformance` runs the long form.
"""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from bus.delivery import NewSubscription, Webhook
from bus.identity import Scope
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.conformance.a_table import Row, read_row
from tests.conformance.api.the_document import count_operations
from tests.declared.a_declared_agency import register_draft

ROOT: Final = Path(__file__).parents[3]
_OTHER: Final = "bapenda"
"""Whose clients may be revoked: those of the participant that tests would end the run."""
_RATE: Final = "1000000/1s"
_UNBOUNDED: Final = {
    **dict.fromkeys(("read", "manage", "publish", "queries", "sink_tests", "tokens", "client_tokens"), _RATE),
    **dict.fromkeys(("subscriptions", "drafts", "contracts"), 1_000_000),
}
_SHORT: Final = ("--phases", "examples,coverage")
_LONG: Final = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "40")
_KNOWN: Final = """
[[operations]]
include-path-regex = "^/v1/(feeds|records|queries)/"
parameters = {{ "path.contract" = "{contract}", "path.key" = "{key}" }}

[[operations]]
include-path-regex = "^/v1/contracts/"
parameters = {{ "path.name" = "{contract}", "path.version" = "1.0.0" }}

[[operations]]
include-path-regex = "^/v1/adapters/"
parameters = {{ "path.name" = "badan", "path.version" = "1.0.0" }}

[[operations]]
include-path-regex = "^/v1/participants/"
parameters = {{ "path.name" = "{other}" }}
"""
"""What a bus has that a request may name."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of Schemathesis said."""

    status: int
    output: str


async def run(bus: Bus, folder: Path, arguments: Sequence[str], known: bool) -> Run:
    """Run Schemathesis against a bus with data.

    Args:
        known: requests name what the bus has.
    """
    bus.apply(a_document(a_grant(OWNER)))
    await bus.publish(a_person(1))
    order = NewSubscription(OWNER, [WARGA], Webhook("https://dinkes.lamongan.example/masuk"), [])
    await asyncio.to_thread(bus.rooms.subscriptions.add, order, OPERATOR)
    register_draft(bus)
    bus.token(_OTHER)
    token = bus.token(OWNER, *Scope, seconds=36_000)
    bus.rooms.limits.register.put(OWNER, _UNBOUNDED, OPERATOR)
    bus.rooms.limits.refresh()
    config = folder / "schemathesis.toml"
    text = (ROOT / "schemathesis.toml").read_text()
    config.write_text(text + (_KNOWN.format(contract=WARGA, key=a_nik(1), other=_OTHER) if known else ""))
    async with bus.served() as address:
        command = [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(config), "run", f"{address}/openapi.json", "--url", address),
            *("--header", f"Authorization: {token}", "--mode", "all", "--seed", "1"),
            *("--generation-database", "none", "--no-color", "--continue-on-failure", "--no-shrink", *arguments),
        ]
        ended = await asyncio.to_thread(
            subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=1700, check=False
        )
    return Run(ended.returncode, ended.stdout + ended.stderr)


only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_once
async def test_requests_made_from_the_document_get_the_answers_that_it_describes(bus: Bus, tmp_path: Path) -> None:
    ended = await run(bus, tmp_path, _SHORT, known=False)
    assert ended.status == 0, ended.output[-20_000:]


@only_once
@pytest.mark.conformance
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("known", [False, True], ids=["made-up names", "names of what is there"])
async def test_many_requests_get_the_answers_that_the_document_describes(bus: Bus, tmp_path: Path, known: bool) -> None:
    ended = await run(bus, tmp_path, _LONG, known)
    assert ended.status == 0, ended.output[-20_000:]


@only_once
def test_the_table_says_what_ran(bus: Bus) -> None:
    number = count_operations(bus)
    assert read_row("Schemathesis") == Row(version("schemathesis"), number, number)
