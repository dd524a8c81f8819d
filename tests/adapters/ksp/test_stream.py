"""Complaints to LAPOR!'s older interface, in XML."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.ksp.adapter import KspAdapter
from adapters.ksp.client import KspSettings
from adapters.ksp.simulator import SIMULATOR, STREAM_TOKEN
from adapters.ksp.simulator import SIMULATOR as KSP
from adapters.ksp.stream import Stream, read_tracking_number, write_complaint
from bus.kit import AgencyFault, Event, Failure, Outcome, SimulatedFaults

Violations = Callable[[str, Any], list[str]]
REPORTER = {
    "nama": "Pelapor Rekaan",
    "telepon": "0812-0000-0017",
    "surel": "p@contoh.example",
    "nik": "3524010101909001",
}


def a_complaint(**other: Any) -> dict[str, Any]:
    return {
        "nomor_aduan": "LKT-17",
        "isi": "Lampu <jalan> & taman mati.",
        "anonim": False,
        "rahasia": True,
        "pelapor": REPORTER,
    } | other


def an_event(**other: Any) -> Event:
    return Event(id="a-1", source="/dinas-kominfo/loket", type="pengaduan.aduan", data=a_complaint(**other))


class Lapor:
    """The simulator, and the adapter that speaks to it."""

    def __init__(self, *faults: str, token: str = STREAM_TOKEN) -> None:
        self._transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))
        settings: dict[str, Any] = dict(KSP.settings)
        stream = Stream(self._http(), SecretStr(token))
        self.adapter = KspAdapter(KspSettings(base_url="http://lapor.test", **settings), self._http(), stream)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, base_url="http://lapor.test")

    async def deliver(self, event: Event) -> Outcome:
        (outcome,) = await self.adapter.deliver("aduan", [event])
        return outcome

    async def received(self) -> list[str]:
        answer = await self._http().get("/_simulator/received")
        return [item["xml"] for item in answer.json()["received"]]


def test_a_complaint_has_the_older_interfaces_form(violations: Violations) -> None:
    assert violations("pengaduan/aduan", a_complaint()) == []
    root = ET.fromstring(write_complaint(a_complaint(), "t0k<n", "ref1"))
    assert (root.tag, root.get("token")) == ("lapor", "t0k<n")
    assert {item.tag: item.text for item in root.findall("pelapor/*")} == {
        "nama": "Pelapor Rekaan",
        "telepon": "0812-0000-0017",
        "email": "p@contoh.example",
        "nik": "3524010101909001",
    }
    laporan = root.find("laporan")
    assert laporan is not None
    assert laporan.attrib == {"rahasia": "1", "anonim": "0"}
    assert laporan.findtext("isi") == "Lampu <jalan> & taman mati.\n\n(Ref. ref1)"


def test_an_anonymous_reporter_is_not_in_the_xml_whatever_the_event_holds() -> None:
    text = write_complaint(a_complaint(anonim=True), "t", "r").decode()
    assert 'anonim="1"' in text
    assert not any(value in text for value in REPORTER.values())


@given(st.text(max_size=50))
def test_every_text_can_be_written_in_xml(text: str) -> None:
    root = ET.fromstring(write_complaint(a_complaint(isi=text), "t", "r"))
    sent = root.findtext("laporan/isi") or ""
    assert sent.endswith("(Ref. r)")
    if text.isprintable():
        assert sent == f"{text}\n\n(Ref. r)"


async def test_a_complaint_is_filed() -> None:
    lapor = Lapor()
    assert await lapor.deliver(an_event()) == Outcome()
    (xml,) = await lapor.received()
    assert "Lampu &lt;jalan&gt; &amp; taman mati." in xml


async def test_a_complaint_whose_answer_was_lost_is_filed_once() -> None:
    lapor = Lapor("lost-answer")
    assert (await lapor.deliver(an_event())).failure is Failure.TRANSIENT
    assert await lapor.deliver(an_event()) == Outcome()
    assert len(await lapor.received()) == 1


async def test_html_where_xml_was_due_is_not_success() -> None:
    assert (await Lapor("html").deliver(an_event())).failure is Failure.TRANSIENT


async def test_a_token_that_is_refused_at_http_200_stops_the_queue_and_is_not_repeated() -> None:
    outcome = await Lapor(token="rahasia-salah").deliver(an_event())
    assert outcome.failure is Failure.SINK_DOWN
    assert "rahasia-salah" not in outcome.detail


async def test_without_a_token_the_operator_is_told_which_setting_to_give() -> None:
    adapter = KspAdapter(KspSettings(base_url="http://lapor.test", **dict(KSP.settings)), httpx.AsyncClient())
    (outcome,) = await adapter.deliver("aduan", [an_event()])
    assert outcome.failure is Failure.SINK_DOWN
    assert "STREAM_TOKEN" in outcome.detail


@pytest.mark.parametrize(
    "text",
    [
        "<lapor><trackingid>9500017</trackingid></lapor>",
        '<?xml version="1.0"?>\n<lapor><TrackingID type="int"> #9500017 </TrackingID></lapor>',
        "<r><trackingid><![CDATA[9500017]]></trackingid></r>",
    ],
    ids=["plain", "other case, with an attribute", "CDATA"],
)
def test_a_tracking_number_is_read_from_its_spellings(text: str) -> None:
    assert read_tracking_number(text) == "9500017"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("<lapor><trackingid></trackingid></lapor>", Failure.TRANSIENT),
        ("<lapor><trackingid>0</trackingid></lapor>", Failure.TRANSIENT),
        ("<lapor><error>Akses ditolak</error></lapor>", Failure.SINK_DOWN),
        ("", Failure.TRANSIENT),
    ],
)
def test_an_answer_without_a_tracking_number_is_a_fault(text: str, failure: Failure) -> None:
    with pytest.raises(AgencyFault) as fault:
        read_tracking_number(text)
    assert fault.value.failure is failure
