"""An operator at three in the morning: who gets nothing is found by `bus status`, mended, and everything is delivered."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web
from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from adapters.kominfo.simulator import SIMULATOR
from bus.kit.conformance import RunningAgency
from tests.journeys.a_regency import ENVIRONMENT, ROOT, a_participant, an_operator, bus, send
from tests.journeys.test_app import CONTRACT, a_permit
from tests.services.receiver import Arrival, Receiver, Sink, takes
from tests.services.running import free_port
from tests.services.waiting import until

NUMBERS = [f"IZN-{number}" for number in range(8)]


def fails(arrival: Arrival) -> web.Response:
    return web.Response(status=500, text=f"tabel izin terkunci: {arrival.event['data']['nomor_izin']}")


def subscribe(app: OAuth2Client, url: str) -> dict[str, Any]:
    made = app.post("/v1/subscriptions", json={"contracts": [CONTRACT], "sink": {"url": url}, "from": "beginning"})
    assert made.status_code == 201, made.text
    return dict(made.json())


def numbers(sink: Sink) -> set[str]:
    return {str(arrival.event["data"]["nomor_izin"]) for arrival in list(sink.taken)}


def troubled(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By participant, the subscribers that somebody should look at."""
    return {one["participant"]: one for one in status["subscribers"] if one["troubled"]}


def test_who_gets_nothing_is_found_and_mended_by_commands_alone(tmp_path: Path, receiver: Receiver) -> None:
    data = tmp_path / "data"

    tax_sink, order_sink = receiver.sink("pajak"), receiver.sink("tertib")
    tax_sink.answer = fails
    with (
        an_operator(data, ROOT / "contracts/perizinan") as operator,
        a_participant(operator, "dpmptsp", "events.publish") as office,
        a_participant(operator, "bapenda", "subscriptions.manage") as tax,
        a_participant(operator, "satpol-pp", "subscriptions.manage") as order,
    ):

        def read() -> dict[str, dict[str, Any]]:
            """The subscribers that somebody should look at; a command each time would take seconds."""
            return troubled(operator.get("/v1/status").json())

        made = subscribe(tax, tax_sink.url)
        tax_sink.secrets.append(made["secret"])
        gone = subscribe(order, f"http://127.0.0.1:{free_port()}/hook")
        order_sink.secrets.append(gone["secret"])
        for number in NUMBERS:
            send(office, to_structured_event(a_permit(number)))
        until(lambda: read().keys() == {"bapenda", "satpol-pp"}, says=read)
        found = troubled(json.loads(bus("status", "--json", "--data", str(data))))
        assert found["bapenda"]["last_failure"]["status"] == 500
        assert found["bapenda"]["pending"] == len(NUMBERS)
        assert "could not connect" in found["satpol-pp"]["last_failure"]["detail"]
        waiting = bus("deliveries", "--participant", "bapenda", "--state", "pending", "--data", str(data)).splitlines()
        assert len(waiting) == len(NUMBERS)
        first = waiting[0].split("\t")[0]
        said = bus("answers", first, "--reason", "bapenda menjawab 500", "--data", str(data))
        assert f"tabel izin terkunci: {NUMBERS[0]}" in said

        tax_sink.answer = takes
        mended = order.patch(f"/v1/subscriptions/{gone['id']}", json={"sink": {"url": order_sink.url}})
        assert mended.status_code == 200, mended.text
        for subscription in (made["id"], gone["id"]):
            bus("subscription", "redrive", subscription, "--pending", "--data", str(data))
        until(
            lambda: numbers(tax_sink) == numbers(order_sink) == set(NUMBERS),
            says=lambda: (numbers(tax_sink), numbers(order_sink), read()),
        )
        until(lambda: not read(), says=read)


def test_an_agency_that_refuses_its_account_is_found_and_gets_everything_once_it_is_mended(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningAgency(SIMULATOR) as agency:
        agency.switch_on("login")
        settings = {**SIMULATOR.settings, "BASE_URL": agency.address}
        given = {f"BUS_ADAPTERS__KOMINFO__{name}".upper(): value for name, value in settings.items()}
        environment = {**ENVIRONMENT, **given}
        with (
            an_operator(data, ROOT / "contracts/layanan", environment=environment) as operator,
            a_participant(operator, "kominfo", "events.read", kind="ministry"),
            a_participant(operator, "dpmptsp", "events.publish") as office,
        ):

            def read() -> dict[str, dict[str, Any]]:
                return troubled(operator.get("/v1/status").json())

            send(office, to_structured_event(a_service("dpmptsp.izin")))
            until(lambda: "kominfo" in read(), says=read)
            found = troubled(json.loads(bus("status", "--json", "--data", str(data), environment=environment)))[
                "kominfo"
            ]
            assert found["pending"] == 1
            assert "SPLP refuses the application's key or secret" in found["last_failure"]["detail"]

            agency.switch_off()
            bus(
                "subscription",
                "redrive",
                found["subscription"],
                "--pending",
                "--data",
                str(data),
                environment=environment,
            )
            until(lambda: "dpmptsp.izin" in str(agency.read_state()), says=read)
            until(lambda: not read(), says=read)


def test_a_poll_whose_account_is_refused_is_found_by_status_and_doctor_and_ends_well_once_it_is_mended(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with RunningAgency(SIMULATOR) as agency:
        agency.switch_on("login")
        settings = {**SIMULATOR.settings, "BASE_URL": agency.address, "POLL_SECONDS": "1"}
        given = {f"BUS_ADAPTERS__KOMINFO__{name}".upper(): value for name, value in settings.items()}
        environment = {**ENVIRONMENT, **given}
        with an_operator(data, ROOT / "contracts/satudata", environment=environment) as operator:

            def read() -> list[str]:
                """The polls that somebody should look at."""
                return [one["operation"] for one in operator.get("/v1/status").json()["agencies"] if one["troubled"]]

            until(lambda: read() == ["indikator"], says=read)
            shown = bus("status", "--troubled", "--data", str(data), environment=environment)
            assert "agency down: SPLP refuses the application's key or secret" in shown
            found = bus("doctor", "--data", str(data), code=1, environment=environment)
            assert "The poll kominfo/indikator has failed" in found
            assert "SPLP refuses the application's key or secret" in found

            agency.switch_off()
            until(lambda: not read(), says=read)
            records = bus("agency", "list", "--data", str(data), environment=environment)
            assert "and ended well since" in records


def a_service(code: str) -> CloudEvent:
    attributes = {"type": "layanan.katalog", "source": "/portal", "id": "1", "subject": code}
    data = {
        "kode_layanan": code,
        "nama": "Izin usaha",
        "opd": "dpmptsp",
        "deskripsi": "Penerbitan izin.",
        "sasaran": "pelaku usaha",
        "biaya": 0,
        "status": "aktif",
        "kanal": [{"jenis": "web"}],
    }
    return CloudEvent(attributes, data)
