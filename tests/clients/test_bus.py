"""Each client, installed from its package, at work with the real bus."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bus.delivery.signature import Signer, new_secret
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_agency import AGENCY, ASK, AnAdapter, join
from tests.attacks.a_live_bus import a_live_bus
from tests.builders import OWNER, WARGA, Document, a_document, a_grant, a_nik
from tests.clients.a_client import Client, Installed
from tests.http.api.a_puller import a_puller

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TANYA = "kependudukan.tanya"
TEXT = {"type": "string"}
SCHEMA = {"type": "object", "properties": {"nik": TEXT, "nama": TEXT | {"maxLength": 10}}, "required": ["nik"]}


def a_warga(number: int, nama: str = "Rekaan") -> Document:
    return {"type": WARGA, "subject": a_nik(number), "data": {"nik": a_nik(number), "nama": nama}}


def a_query(participant: str = "bapenda", name: str = TANYA) -> Document:
    """A query that the agency answers."""
    answer = {
        "type": "object",
        "properties": {"ditemukan": {"type": "boolean"}, "nama": TEXT},
        "required": ["ditemukan"],
    }
    request = {"type": "object", "properties": {"nik": TEXT | {"pattern": "^[0-9]{16}$"}}, "required": ["nik"]}
    return a_document(
        a_grant(participant),
        contract=name,
        kind="query",
        key=None,
        schema=None,
        request=request,
        answer=answer,
        adapters=[{"adapter": AGENCY, "operation": ASK}],
        producers=[AGENCY],
    )


Do = Callable[..., Any]


def open_as(bus: Bus, client: Client, url: str, folder: Path, participant: str) -> Do:
    """What does a client's steps with the credentials of a participant."""
    bus.reader(participant)
    scopes = ("events.publish", "events.read", "queries.call", "subscriptions.manage")
    made, secret = bus.rooms.participants.add_client(participant, scopes, by=bus.operator)
    place = {"url": url, "id": made.client_id, "secret": secret, "spool": str(folder / participant), "options": {}}

    async def do(op: str, **step: Any) -> Any:
        return await asyncio.to_thread(client.do, op=op, **step)

    client.do(op="open", source=f"/{participant}", **place)
    return do


async def test_what_a_client_publishes_is_what_another_reads(bus: Bus, installed: Installed, tmp_path: Path) -> None:
    bus.apply(a_document(a_grant("bapenda", fields=["/nik", "/nama"]), schema=SCHEMA))
    async with bus.served() as url:
        with Client(installed) as sender, Client(installed) as reader:
            publish, read = (
                open_as(bus, sender, url, tmp_path, OWNER),
                open_as(bus, reader, url, tmp_path, "bapenda"),
            )
            event = a_warga(1) | {"id": "e1", "time": "2026-01-01T00:00:00Z"}
            first = await publish("publish", event=event)
            assert await publish("publish", event=event) == first | {"duplicate": True}
            batch = await publish("publish_batch", events=[a_warga(2), a_warga(3, "x" * 11)], partial=True)
            assert (batch["accepted"], batch["rejected"][0]["index"]) == (1, 1)
            assert batch["rejected"][0]["errors"][0]["pointer"] == "/data/nama"
            pages = await read("feed", contract=WARGA)
            assert [one["subject"] for page in pages for one in page["events"]] == [a_nik(1), a_nik(2)]
            snapshot = await read("snapshot", contract=WARGA)
            assert [one["subject"] for page in snapshot for one in page["events"]] == [a_nik(1), a_nik(2)]
            (rest,) = await read("snapshot", contract=WARGA, after=snapshot[0]["events"][0]["sequence"])
            assert [one["subject"] for one in rest["events"]] == [a_nik(2)]
            await publish("publish", event={"type": WARGA, "subject": a_nik(1)})
            changes = await read("records", contract=WARGA, after=snapshot[-1]["next"])
            assert [(one["subject"], one.get("data")) for one in changes[0]["events"]] == [(a_nik(1), None)]
            assert changes[-1]["events"] == []
            waited = await read("feed", contract=WARGA, after=pages[-1]["next"], wait=20, pages=1)
            assert len(waited[0]["events"]) == 1


async def test_a_client_pulls_handles_and_acknowledges(
    storage: Storage, bus_keys: Keys, installed: Installed, tmp_path: Path
) -> None:
    async with a_live_bus(storage, bus_keys, tmp_path) as bus, bus.served() as url:
        bus.apply(a_document(a_grant("bapenda"), schema=SCHEMA))
        with Client(installed) as client:
            do = open_as(bus, client, url, tmp_path, OWNER)
            await do("publish_batch", events=[a_warga(number) | {"id": f"e{number}"} for number in (1, 2, 3)])
            do = open_as(bus, client, url, tmp_path, "bapenda")
            puller = await a_puller(bus)
            await puller.until_pending(3)
            sub = puller.sub
            first = await do("pull", subscription=sub, limit=1, wait=20)
            (delivery,) = first["deliveries"]
            assert (delivery["tries"], delivery["event"]["subject"]) == (1, a_nik(1))
            (extended,) = await do("extend", subscription=sub, leases=[first["lease"]], seconds=300)
            assert extended == {"name": first["lease"], "result": "extended", "detail": ""}
            (returned,) = await do("nack", subscription=sub, deliveries=[delivery["id"]], reason="locked", delay=0)
            assert (returned["name"], returned["result"]) == (delivery["id"], "returned")
            handled = await do("handle_each", subscription=sub, fails=["e2"], goes_on=True)
            # What was returned may come again at once, since the pauses are random.
            assert (handled["acknowledged"], handled["returned"]) == (2, len(handled["failed"]))
            assert (sorted(handled["handled"]), set(handled["failed"])) == (["e1", "e3"], {"e2"})
            (late,) = await do("ack", subscription=sub, deliveries=[delivery["id"]])
            assert late["result"] == "settled"
            assert await do("seek", subscription=sub, to="beginning") is None
            again: set[str] = set()
            # What was returned is due as well, and may come before the relay has made the others due.
            async with asyncio.timeout(60):
                while not {"e1", "e3"} <= again:
                    pulled = await do("pull", subscription=sub, wait=20)
                    again |= {one["event"]["id"] for one in pulled["deliveries"]}


async def test_the_bus_names_what_is_wrong(bus: Bus, installed: Installed, tmp_path: Path) -> None:
    bus.apply(a_document(a_grant("bapenda"), schema=SCHEMA))
    async with bus.served() as url:
        with Client(installed) as client:
            do = open_as(bus, client, url, tmp_path, OWNER)
            wrong = await do("publish", event=a_warga(1, "x" * 11))
            assert (wrong["error"], wrong["status"], wrong["type"]) == ("Refused", 422, "urn:bus:problem:data-invalid")
            assert [error["pointer"] for error in wrong["errors"]] == ["/data/nama"]
            unknown = await do("feed", contract="tidak.ada")
            assert (unknown["error"], unknown["status"]) == ("Refused", 404)
            bad_cursor = await do("feed", contract=WARGA, after="salah")
            assert bad_cursor["errors"][0]["pointer"] == "/query/after"
            client.do(op="open", url=url, id="x", secret="y", source="/x", spool=str(tmp_path / "x"), options={})
            assert (await do("publish", event=a_warga(1)))["error"] == "CredentialsRefused"


async def test_a_client_asks_an_agency(bus: Bus, installed: Installed, tmp_path: Path) -> None:
    join(bus, AnAdapter({"ditemukan": True, "nama": "Rekaan 1"}))
    bus.apply(a_query())
    async with bus.served() as url:
        with Client(installed) as client:
            do = open_as(bus, client, url, tmp_path, "bapenda")
            assert await do("ask", contract=TANYA, question={"nik": a_nik(1)}) == {
                "ditemukan": True,
                "nama": "Rekaan 1",
            }
            refused = await do("ask", contract=TANYA, question={"nik": "1"})
            assert (refused["error"], refused["errors"][0]["pointer"]) == ("Refused", "/nik")


async def test_the_spool_sends_to_the_bus_and_learns_what_is_wrong(
    bus: Bus, installed: Installed, tmp_path: Path
) -> None:
    bus.apply(a_document(a_grant("bapenda"), schema=SCHEMA))
    async with bus.served() as url:
        with Client(installed) as client:
            do = open_as(bus, client, url, tmp_path, OWNER)
            for number, nama in enumerate(["a", "x" * 11, "c"]):
                await do("spool.publish", event=a_warga(number, nama))
            report = await do("spool.send")
            assert (report["sent"], report["refused"], report["error"]) == (2, 1, None)
            (refused,) = await do("spool.list_refused")
            assert [reason["pointer"] for reason in refused["reasons"]] == ["/data/nama"]
            await do("spool.mend", number=refused["number"], event=a_warga(1, "b"))
            assert (await do("spool.send"))["sent"] == 1


def test_a_webhook_signed_by_the_bus_is_verified(installed: Installed, database_url: str) -> None:
    secret, body = new_secret(), '{"id":"e1","data":{"nama":"Rekaan"}}'
    headers = Signer([new_secret(), secret]).headers("msg_1", body.encode(), datetime.now(UTC))
    with Client(installed) as client:
        step = {"op": "verify_webhook", "secret": secret, "headers": headers}
        assert client.do(**step, body=body)["data"] == {"nama": "Rekaan"}
        assert client.do(**step, body=body.replace("1", "2"))["error"] == "SignatureInvalid"
