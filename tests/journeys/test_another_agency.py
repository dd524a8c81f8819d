"""An agency's adapter that its developers keep in a package of their own: installed beside the bus, and used through it."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests import no_tls
from tests.builders import a_public_document, an_event
from tests.journeys.a_regency import ENVIRONMENT, a_participant, an_operator
from tests.services.waiting import until

PACKAGE = Path(__file__).parent / "balai"
ORDER, LEVEL, GAUGE = "uji.pintu-air", "uji.tinggi-air", "uji.satu-pos"
OFFICE, AGENCY = "dpupr", "balai"


def an_agency_document(
    name: str, kind: str, producer: str, consumer: str, operation: str, **more: Any
) -> dict[str, Any]:
    """A public contract that the agency's adapter serves."""
    served = {"kind": kind, "producers": [producer], "adapters": [{"adapter": AGENCY, "operation": operation}]}
    return a_public_document(name, OFFICE, consumer, **served, **more)


def an_object(**properties: str | list[str]) -> dict[str, Any]:
    """A closed schema: each property by its type, and all of them required."""
    types = {name: {"type": kind} for name, kind in properties.items()}
    return {"type": "object", "properties": types, "required": list(types), "additionalProperties": False}


CONTRACTS = [
    an_agency_document(ORDER, "event", OFFICE, AGENCY, "pintu-air", schema=an_object(pintu="string", buka="integer")),
    an_agency_document(
        LEVEL, "record", AGENCY, OFFICE, "tinggi-air", key="/pos", schema=an_object(pos="string", cm="integer")
    ),
    an_agency_document(
        GAUGE,
        "query",
        AGENCY,
        OFFICE,
        "satu-pos",
        request=an_object(pos="string"),
        answer=an_object(ditemukan="boolean", cm=["integer", "null"]),
    ),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which the package is installed, built and installed by pip without any index."""
    folder = tmp_path_factory.mktemp("balai")
    shutil.copytree(PACKAGE, folder / "source")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site"), "./source"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    paths = (str(folder / "site"), os.environ.get("PYTHONPATH", ""))
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
    tmp_path_factory: pytest.TempPathFactory, installed: Mapping[str, str], agency: dict[str, Any]
) -> Iterator[OAuth2Client]:
    """An office's client of a bus on which the adapter is set up."""
    folder = tmp_path_factory.mktemp("contracts")
    for contract in CONTRACTS:
        (folder / f"{contract['contract']}.json").write_text(json.dumps(contract))
    environment = {**installed, **agency["settings"]}
    with ExitStack() as stack:
        data = tmp_path_factory.mktemp("bus")
        operator = stack.enter_context(an_operator(data, folder, environment=environment))
        stack.enter_context(a_participant(operator, AGENCY, "events.read", kind="ministry"))
        scopes = ("events.publish", "events.read", "queries.call")
        yield stack.enter_context(a_participant(operator, OFFICE, *scopes))


def test_the_package_imports_nothing_of_the_bus_but_the_kit():
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(str(node.module))
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    assert {name for name in imported if name.split(".")[0] in {"bus", "adapters", "samples"}} == {"bus.kit"}


def test_what_the_office_publishes_is_delivered_to_the_agency(office: OAuth2Client, agency: dict[str, Any]):
    event = an_event(type=ORDER, data={"pintu": "babat", "buka": 40})
    sent = office.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})
    assert sent.status_code == 202, sent.text
    received = until(lambda: no_tls.get(f"{agency['address']}/_simulator/received").json()["received"])
    assert received == [{"gate": "babat", "pintu": "babat", "buka": 40}]


def test_what_the_agency_lists_is_polled_into_records(office: OAuth2Client):
    def levels() -> dict[str, int]:
        found = office.get(f"/v1/records/{LEVEL}")
        assert found.status_code == 200, found.text
        return {one["subject"]: one["data"]["cm"] for one in found.json()["records"]}

    assert until(levels) == {"babat": 612, "laren": 488}


def test_what_the_office_asks_is_answered_by_the_agency(office: OAuth2Client):
    answer = office.post(f"/v1/queries/{GAUGE}", json={"pos": "laren"})
    assert (answer.status_code, answer.json()) == (200, {"ditemukan": True, "cm": 488})
