"""Client libraries of OAuth against a running bus: openid-client and oauth4webapi."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus import json
from bus.identity import Participants, Scope
from tests.a_node_package import install
from tests.an_actor import OPERATOR
from tests.conformance.a_table import Row, read_row
from tests.services.agreements import PRODUCER
from tests.services.running import a_bus

HERE = Path(__file__).parent
SUITES = {"openid-client": "openid_client.mjs", "oauth4webapi": "oauth4webapi.mjs"}


@pytest.fixture(scope="module")
def libraries(request: pytest.FixtureRequest) -> Path:
    return install(request.config, HERE)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The address of a running bus, and the operator's client in JSON."""
    with a_bus(tmp_path_factory.mktemp("bus"), limits__tokens="1000/60s", wrong_logins="1000/60s") as bus:
        client, secret = Participants(bus.storage).add_client(PRODUCER, [Scope.ADMIN], by=OPERATOR)
        bus.start()
        yield [bus.address, json.dumps({"client_id": client.client_id, "client_secret": secret}).decode()]


@pytest.mark.parametrize("suite", SUITES)
def test_a_client_library_gets_everything_that_the_bus_serves(libraries: Path, bus: list[str], suite: str) -> None:
    command = ["node", str(libraries / SUITES[suite]), *bus]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    cases: dict[str, Any] = json.loads(ended.stdout)
    assert {name: error for name, error in cases.items() if error is not None} == {}
    version = json.loads((HERE / "package.json").read_bytes())["dependencies"][suite]
    assert read_row(suite) == Row(version, len(cases), len(cases))
