"""An agency with an OpenAPI file: `bus adapter new --declared` makes its adapter, which lints, is simulated, and serves."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests import no_tls
from tests.builders import an_event
from tests.journeys.a_regency import ENVIRONMENT, a_client, a_participant, a_process, bus
from tests.services.waiting import until

OFFICE, AGENCY = "dinas-kominfo", "pasar"
FILE = """
openapi: 3.0.3
servers: [{url: "https://api.pasar.example/v1"}]
security: [{masuk: []}]
components:
  securitySchemes: {masuk: {type: http, scheme: bearer}}
  schemas:
    Pasar:
      type: object
      required: [idPasar, namaPasar]
      properties: {idPasar: {type: integer, example: 7}, namaPasar: {type: string, example: Pasar Rekaan}}
paths:
  /pasar:
    get:
      operationId: daftarPasar
      responses:
        200: {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pasar"}}}}}
    post:
      operationId: kirimPasar
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pasar"}}}}
      responses: {201: {description: Tersimpan}}
  /pasar/{id}:
    get:
      operationId: cariPasar
      parameters: [{name: id, in: path, required: true, schema: {type: string, example: "7"}}]
      responses: {200: {content: {application/json: {schema: {$ref: "#/components/schemas/Pasar"}}}}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command made."""
    folder = tmp_path_factory.mktemp("openapi")
    file = folder / "pasar.yaml"
    file.write_text(FILE)
    operations = ("GET /pasar", "POST /pasar", "GET /pasar/{id}")
    chosen = [part for one in operations for part in ("--operation", one)]
    bus("adapter", "new", AGENCY, "--declared", "--openapi", str(file), *chosen, "--to", str(folder / "made"))
    return folder / "made"


@pytest.fixture(scope="module")
def agency(made: Path) -> Iterator[dict[str, Any]]:
    """What `bus adapter simulate` announced, as long as it runs."""
    command = [sys.executable, "-m", "bus", "adapter", "simulate", str(made / "pasar.yaml")]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def office(made: Path, agency: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuth2Client]:
    """An office's client of a bus on which the adapter is set up."""
    environment = {**ENVIRONMENT, **agency["settings"], "BUS_AGENCY_NETWORKS": "127.0.0.0/8"}
    data = tmp_path_factory.mktemp("bus")
    place = ("--data", str(data))
    admin = json.loads(bus("init", *place, environment=environment))
    for name, kind in ((OFFICE, "app"), (AGENCY, "ministry")):
        bus("participant", "add", name, "--kind", kind, *place, environment=environment)
    bus("adapter", "apply", str(made / "pasar.yaml"), *place, environment=environment)
    bus("contract", "apply", "--grants-seen", str(made / "contracts"), *place, environment=environment)
    with ExitStack() as stack:
        address = stack.enter_context(a_process(data, environment))
        operator = stack.enter_context(a_client(address, admin))
        scopes = ("events.publish", "events.read", "queries.call")
        yield stack.enter_context(a_participant(operator, OFFICE, *scopes))


def test_it_lints_as_made_and_each_warning_names_its_place(made: Path) -> None:
    said = bus("adapter", "lint", str(made / "pasar.yaml"), "--contracts", str(made / "contracts"))
    lines = [line for line in said.splitlines() if "warning: " in line]
    assert all(": warning: todo: /" in line for line in lines)
    assert f"errors: 0, warnings: {len(lines)}" in said


def test_its_list_becomes_records(office: OAuth2Client) -> None:
    def records() -> list[Any]:
        found = office.get(f"/v1/records/{AGENCY}.daftar-pasar")
        assert found.status_code == 200, found.text
        return [one["data"] for one in found.json()["records"]]

    assert until(records) == [{"id_pasar": "7", "nama_pasar": "Pasar Rekaan"}]


def test_a_question_is_answered_by_it(office: OAuth2Client) -> None:
    answer = office.post(f"/v1/queries/{AGENCY}.cari-pasar", json={"id": "7"})
    assert (answer.status_code, answer.json()) == (200, {"id_pasar": 7, "nama_pasar": "Pasar Rekaan"})


def test_what_the_office_publishes_is_delivered_to_it(office: OAuth2Client, agency: dict[str, Any]) -> None:
    event = an_event(type=f"{AGENCY}.kirim-pasar", data={"id_pasar": 9, "nama_pasar": "Pasar Lain"})
    sent = office.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})
    assert sent.status_code == 202, sent.text

    def received() -> list[Any]:
        found = no_tls.get(f"{agency['address']}/_simulator/received").json()["received"]
        return [one["body"] for one in found if one["method"] == "POST"]

    assert until(received) == [{"idPasar": 9, "namaPasar": "Pasar Lain"}]
