"""An agency's adapter that its developers keep in a package of their own, as `bus adapter new` makes it.

It is built and installed beside the bus, its own tests pass, and the bus delivers, polls and asks through it.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests import no_tls
from tests.builders import an_event
from tests.journeys.a_regency import ENVIRONMENT, a_participant, an_operator, bus
from tests.services.waiting import until

FILE, STATUS, SEARCH = "balai.berkas", "balai.status", "balai.cari-berkas"
OFFICE, AGENCY = "dpupr", "balai"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command made."""
    folder = tmp_path_factory.mktemp("made") / "bus-balai"
    bus("adapter", "new", AGENCY, "--coded", "--title", "Balai Bengawan Solo", "--owner", OFFICE, "--to", str(folder))
    return folder


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the package is installed, built and installed by pip without any index."""
    site = tmp_path_factory.mktemp("site")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), "."]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    paths = (str(site), os.environ.get("PYTHONPATH", ""))
    return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def a_simulator(environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What `bus simulate balai` announced, as long as it runs."""
    command = [sys.executable, "-m", "bus", "simulate", AGENCY]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def agency(installed: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The agency's simulator, found in the installed package."""
    with a_simulator(installed) as announced:
        yield announced


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory, package: Path, installed: Mapping[str, str], agency: dict[str, Any]
) -> Iterator[OAuth2Client]:
    """An office's client of a bus on which the adapter is set up."""
    environment = {**installed, **agency["settings"]}
    with ExitStack() as stack:
        data = tmp_path_factory.mktemp("bus")
        operator = stack.enter_context(an_operator(data, package / "contracts", environment=environment))
        stack.enter_context(a_participant(operator, AGENCY, "events.read", kind="ministry"))
        scopes = ("events.publish", "events.read", "queries.call")
        yield stack.enter_context(a_participant(operator, OFFICE, *scopes))


def test_the_package_imports_nothing_of_the_bus_but_the_kit(package: Path):
    imported = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(str(node.module))
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    own = {name for name in imported if name.split(".")[0] in {"bus", "adapters", "samples"}}
    assert own == {"bus.kit", "bus.kit.conformance"}


def test_its_own_tests_pass_with_pytest_alone(package: Path, installed: Mapping[str, str]):
    environment = {**installed, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        command, cwd=package, env=environment, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    assert " passed" in done.stdout


def test_its_contracts_have_no_findings_where_it_is_installed(package: Path, installed: Mapping[str, str]):
    assert "errors: 0, warnings: 0" in bus("contract", "lint", str(package / "contracts"), environment=installed)


def test_what_the_office_publishes_is_delivered_to_the_agency(office: OAuth2Client, agency: dict[str, Any]):
    event = an_event(type=FILE, data={"nomor": "B-7", "judul": "Izin tanggul", "jumlah": 4})
    sent = office.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})
    assert sent.status_code == 202, sent.text
    received = until(lambda: no_tls.get(f"{agency['address']}/_simulator/received").json()["received"])
    assert received == [{"no_berkas": "B-7", "judul_berkas": "Izin tanggul", "jml": "4"}]


def test_what_the_agency_lists_is_polled_into_records(office: OAuth2Client):
    def states() -> dict[str, str]:
        found = office.get(f"/v1/records/{STATUS}")
        assert found.status_code == 200, found.text
        return {one["subject"]: one["data"]["status"] for one in found.json()["records"]}

    assert {"A-1": "diproses", "A-2": "diproses"}.items() <= until(states).items()


def test_what_the_office_asks_is_answered_by_the_agency(office: OAuth2Client):
    answer = office.post(f"/v1/queries/{SEARCH}", json={"nomor": "A-2"})
    found = {"nomor": "A-2", "judul": "Berkas contoh A-2", "status": "diproses"}
    assert (answer.status_code, answer.json()) == (200, {"ditemukan": True, "berkas": found})
    assert office.post(f"/v1/queries/{SEARCH}", json={"nomor": "Z-9"}).json() == {"ditemukan": False}
