"""An agency's accidents, as the operator has them: a row that does not fit, and a list that lost nearly all of its rows."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapters.kominfo.simulator import SIMULATOR
from tests.builders import a_public_document
from tests.journeys.a_regency import ENVIRONMENT, a_participant, an_operator, bus
from tests.services.waiting import until

AGENCY, CONTRACT = "kominfo", "satudata.indikator"
WORDS = {"id_indikator": "string", "nama_indikator": "string", "satuan": "string"}


class Listing:
    """What the agency's list API answers."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.address = ""

    def answer(self, path: str) -> bytes:
        """The body for a path: a token of the gateway, or the list."""
        if path.startswith("/oauth2/"):
            return b'{"access_token": "t", "expires_in": 3600}'
        return json.dumps({"api_status": 1, "data": self.rows}).encode()


@contextmanager
def a_list_api() -> Iterator[Listing]:
    """An agency behind SPLP whose list the test writes."""
    listing = Listing()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = listing.answer(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listing.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_row(number: int, unit: Any = "Persen") -> dict[str, Any]:
    return {"id": number, "kode_indikator_nama_indikator": f"Indikator {number}", "satuan": unit}


def a_contract(folder: Path, version: str, **types: Any) -> Path:
    """A version of the list's contract as a file, with these types of its fields."""
    properties = {name: {"type": kind} for name, kind in (WORDS | types).items()}
    document = a_public_document(
        CONTRACT,
        "dinas-kominfo",
        "bappeda",
        version=version,
        kind="record",
        key="/id_indikator",
        schema={"type": "object", "properties": properties, "required": list(WORDS), "additionalProperties": False},
        compatibility="none",
        producers=[AGENCY],
        adapters=[{"adapter": AGENCY, "operation": "indikator"}],
    )
    path = folder / f"{version}.json"
    path.write_text(json.dumps(document))
    return path


def test_a_row_waits_for_its_contract_and_deletions_wait_for_the_operator(tmp_path: Path) -> None:
    with a_list_api() as listing:
        listing.rows = [a_row(1, {"nama": "Persen"}), *(a_row(number) for number in range(2, 101))]
        settings = {**SIMULATOR.settings, "base_url": listing.address, "poll_seconds": "3600"}
        environment = {
            **ENVIRONMENT,
            **{f"BUS_ADAPTERS__KOMINFO__{name.upper()}": one for name, one in settings.items()},
        }
        data = tmp_path / "data"
        with (
            an_operator(data, a_contract(tmp_path, "1.0.0"), environment=environment) as operator,
            a_participant(operator, "bappeda", "events.read") as consumer,
        ):

            def records() -> int:
                found = consumer.get(f"/v1/records/{CONTRACT}", params={"limit": 1000}).json()["records"]
                return sum(one["data"] is not None for one in found)

            def held() -> list[int]:
                (agency,) = operator.get("/v1/agencies").json()["agencies"]
                return [one["deletions"] for poll in agency["polls"] for one in poll["held"]]

            def set_aside() -> list[str]:
                return [one["key"] for one in operator.get("/v1/refusals").json()["set_aside"]]

            until(lambda: records() == 99)
            assert set_aside() == ["1"]

            # From here on the poll waits for an hour, unless somebody rings.
            listing.rows = listing.rows[:3]
            mended = a_contract(tmp_path, "2.0.0", satuan=["string", "object"])
            bus("contract", "apply", "--grants-seen", str(mended), "--data", str(data), environment=environment)
            until(lambda: not set_aside())
            assert (records(), held()) == (100, [97])

            assert "released 97" in bus("agency", "release", AGENCY, "--data", str(data), environment=environment)
            until(lambda: records() == 3)
            assert held() == []
