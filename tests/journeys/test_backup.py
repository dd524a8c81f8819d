"""A bus that is backed up while an office publishes: all that was acknowledged before is in the bus that comes of it."""

import threading
from pathlib import Path

from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import to_structured_event

from tests.journeys.a_regency import ROOT, a_client, a_participant, a_process, an_operator, bus, send
from tests.journeys.test_app import CONTRACT, a_permit
from tests.services.waiting import until


def test_what_was_acknowledged_before_a_back_up_comes_back_with_it(tmp_path: Path) -> None:
    data, copy, new = tmp_path / "data", tmp_path / "copy", tmp_path / "new"
    acknowledged: list[str] = []
    done = threading.Event()

    def publish(office: OAuth2Client) -> None:
        while not done.is_set():
            number = f"IZN-{len(acknowledged)}"
            send(office, to_structured_event(a_permit(number)))
            acknowledged.append(number)

    with (
        an_operator(data, ROOT / "contracts/perizinan") as operator,
        a_participant(operator, "dpmptsp", "events.publish") as office,
        a_participant(operator, "bapenda", "events.read") as reader,
    ):
        publishing = threading.Thread(target=publish, args=[office])
        publishing.start()
        try:
            until(lambda: len(acknowledged) > 20)
            before = list(acknowledged)
            bus("backup", str(copy), "--data", str(data))
            until(lambda: len(acknowledged) > len(before))
        finally:
            done.set()
            publishing.join()
        credentials = {"client_id": reader.client_id, "client_secret": reader.client_secret}
    bus("restore", str(copy), "--data", str(new))
    with a_process(new) as address, a_client(address, credentials) as reader:
        page = reader.get(f"/v1/feeds/{CONTRACT}", params={"limit": 1000}).json()
        found = [event["data"]["nomor_izin"] for event in page["events"]]
    assert found[: len(before)] == before
    assert found == acknowledged[: len(found)]
