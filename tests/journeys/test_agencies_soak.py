"""Five agencies whose faults come and go at random while offices publish; in the end each event is at its agency once.

`BUS_SOAK_SECONDS` sets for how long (`make soak-agencies`), `BUS_SOAK_SEED` repeats a run's choices.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client

from adapters.bappenas.simulator import ACTIVITIES_A_YEAR, DATASET
from adapters.pupr.simulator import ROADS
from bus import json
from bus.kit.conformance import RunningAgency
from samples import traffic
from tests.builders import an_event
from tests.journeys.a_regency import ENVIRONMENT, ROOT, a_participant, an_operator, bus
from tests.services.waiting import until

SECONDS = float(os.environ.get("BUS_SOAK_SECONDS", "5"))
SEED = int(os.environ.get("BUS_SOAK_SEED", "0")) or Random().randrange(1, 2**32)
AGENCIES = ("bappenas", "kemendagri", "kominfo", "ksp", "pupr")
SENT = {
    ("dpupr", "layanan.katalog"): "/kode_layanan",
    ("dpupr", "infrastruktur.ruas-jalan"): "/nomor_ruas",
    ("dpupr", "pengaduan.tindak-lanjut"): "/nomor_laporan",
    ("dinas-kominfo", "pengaduan.aduan"): "/isi",
    ("dinas-kominfo", "satudata.dataset"): "/nama",
    ("dinas-kominfo", "satudata.tabel"): "/nama",
    ("bappeda", "perencanaan.kegiatan"): "/kode_sub_kegiatan",
    ("dinkes", "kependudukan.data-balikan"): "/id_pelanggan",
}
"""Who publishes what for agencies, and the field by which the agency knows it."""
POLLED = {
    ("dinas-kominfo", "pengaduan.laporan"): 12,
    ("bappeda", "perencanaan.dak"): 24,
    ("bappeda", "perencanaan.kegiatan-krisna"): 2 * ACTIVITIES_A_YEAR,
    ("bappeda", "satudata.indikator"): 5,
    ("dpupr", "infrastruktur.jalan-nasional"): ROADS,
}
"""Who reads what is polled, and how many rows the agencies have at first."""
MADE_HERE = {"pengaduan.aduan", "pengaduan.tindak-lanjut", "satudata.tabel"}
"""Contracts whose events `make_item` makes; the sample apps have traffic for the others."""
COMES_BACK = {
    "pengaduan.laporan": "pengaduan.aduan",
    "perencanaan.kegiatan-krisna": "perencanaan.kegiatan",
}
"""A polled contract to the one whose events the agency adds to its list."""
MOST_COMPLAINTS = 60
"""LAPOR! is asked for its whole list before each complaint, so a long soak would slow down."""
MOST_RECORDS = 1000
"""Records in one answer of the bus."""

pytestmark = pytest.mark.timeout(300 + SECONDS)


@dataclass
class Regency:
    """A bus between offices and agencies, and what the offices published.

    Attributes:
        agencies: the simulators.
        offices: the offices' clients.
        data: the bus's data folder.
        published: the keys, by contract.
    """

    agencies: Mapping[str, RunningAgency]
    offices: Mapping[str, OAuth2Client]
    data: Path
    published: dict[str, list[str]] = field(default_factory=dict)

    def publish(self, number: int, makers: Mapping[str, Iterator[traffic.Item]]) -> None:
        """Publish one event under each contract."""
        for (office, contract), pointer in SENT.items():
            if contract == "pengaduan.aduan" and number > MOST_COMPLAINTS:
                continue
            item = next(makers[contract]) if contract in makers else make_item(office, contract, number)
            assert item.data is not None
            event = an_event(id=item.id, source=item.source, type=contract, data=item.data)
            media = {"content-type": "application/cloudevents+json"}
            sent = self.offices[office].post("/v1/events", json=event, headers=media)
            assert sent.status_code == 202, sent.text
            self.published.setdefault(contract, []).append(str(item.data[pointer[1:]]))

    def find_held(self, agency: str) -> dict[str, list[str]]:
        """Contract to the keys that an agency holds, each as often as it holds the event."""
        state = self.agencies[agency].read_state()
        match agency:
            case "kominfo":
                return {"layanan.katalog": list(state["layanan"])}
            case "pupr":
                numbers = [feature["attributes"]["NO_RUAS"] for feature in state["features"].values()]
                return {"infrastruktur.ruas-jalan": numbers}
            case "ksp":
                return {
                    "pengaduan.tindak-lanjut": [key for key, sent in state["followups"].items() for _ in sent],
                    "pengaduan.aduan": [one["content"].partition("\n\n(Ref. ")[0] for one in state["complaints"]],
                }
            case "bappenas":
                return find_held_by_bappenas(state)
            case _:
                return {"kependudukan.data-balikan": [customer for _, _, customer in state["data_balikan"]]}

    def find_difference(self, agency: str) -> dict[str, Counter[str]]:
        """Contract to the keys that an agency lacks, or has too often. Of a record it holds the newest state, once."""
        differences = {}
        for contract, held in self.find_held(agency).items():
            wanted, found = Counter(set(self.published.get(contract, []))), Counter(held)
            if wanted != found:
                differences[contract] = (wanted - found) + (found - wanted)
        return differences

    def send_again(self) -> None:
        """Do what an operator does when the agencies are well again: send what waits, and what they refused for good."""
        for line in bus("subscription", "list", "--json", "--data", str(self.data)).splitlines():
            bus("subscription", "redrive", json.loads(line)["id"], "--pending", "--data", str(self.data))

    def has_rows(self, office: str, contract: str, rows: int) -> bool:
        """Whether an office reads so many records of a contract, and those that came back from the agency."""
        wanted = rows + len(set(self.published.get(COMES_BACK.get(contract, ""), [])))
        found = self.offices[office].get(f"/v1/records/{contract}", params={"limit": MOST_RECORDS}).json()["records"]
        return sum(record["data"] is not None for record in found) == min(wanted, MOST_RECORDS)


def make_item(office: str, contract: str, number: int) -> traffic.Item:
    """The item with this number under a contract of `MADE_HERE`."""
    match contract:
        case "pengaduan.aduan":
            said = {"nomor_aduan": f"LKT-{number}", "isi": f"Lampu {number} mati.", "anonim": True, "rahasia": False}
        case "satudata.tabel":
            said = {"nama": f"{DATASET}.isi-{number}", "kolom": [{"nama": "kode", "jenis": "teks"}]}
            said |= {"kunci": "kode", "baris": [["a"], ["b"]]}
        case _:
            return traffic.make_answer(office, f"9{number:06}")
    return traffic.Item(f"{contract}-{number}", f"/{office}/soak", contract, said)


def find_held_by_bappenas(state: Mapping[str, Any]) -> dict[str, list[str]]:
    """Contract to the keys that KRISNA and CKAN hold. A table counts as held if its rows are there."""
    resources = [one for package in state["datasets"].values() for one in package["resources"]]
    tables = [one["name"] for one in resources if state["tables"].get(one["id"], {}).keys() == {"a", "b"}]
    return {
        "satudata.dataset": [name for name in state["datasets"] if name != DATASET],
        "satudata.tabel": tables,
        "perencanaan.kegiatan": [one["kode_sub_giat"] for one in state["kegiatan"].values()],
    }


@pytest.fixture
def regency(tmp_path: Path) -> Iterator[Regency]:
    """A regency whose agencies run in this process."""
    simulators = {name: entry_points(group="bus.simulators")[name].load() for name in AGENCIES}
    with ExitStack() as stack:
        agencies = {name: stack.enter_context(RunningAgency(one)) for name, one in simulators.items()}
        environment = dict(ENVIRONMENT, BUS_RETRY_FIRST_SECONDS="0.5", BUS_RETRY_LONGEST_SECONDS="2")
        for name, simulator in simulators.items():
            own = {"BASE_URL": agencies[name].address, "TIMEOUT_SECONDS": "0.5", "POLL_SECONDS": "0.5"}
            settings = {**simulator.settings, **own}
            environment |= {f"BUS_ADAPTERS__{name}__{key}".upper(): value for key, value in settings.items()}
        operator = stack.enter_context(an_operator(tmp_path, ROOT / "contracts", environment=environment))
        for name in AGENCIES:
            stack.enter_context(a_participant(operator, name, "events.read", kind="ministry"))
        names = {office for office, _ in (*SENT, *POLLED)}
        scopes = ("events.publish", "events.read")
        offices = {name: stack.enter_context(a_participant(operator, name, *scopes)) for name in sorted(names)}
        yield Regency(agencies, offices, tmp_path)


def disturb(agency: RunningAgency, faults: Mapping[str, str], random: Random) -> None:
    """Switch off what was on, and switch on one or two faults for some of the requests; now and then none."""
    agency.switch_off()
    for name in random.sample(sorted(faults), random.choice((0, 1, 1, 2))):
        seconds = ",seconds=0.8" if name in ("slow", "latency") else ""
        agency.switch_on(f"{name}:share={random.choice((0.3, 0.7, 1))}{seconds}")


def test_each_event_is_at_its_agency_once_after_faults_of_every_kind(regency: Regency) -> None:
    print(f"BUS_SOAK_SEED={SEED}")
    random = Random(SEED)
    healthy = random.choice(AGENCIES)
    faults = {name: entry_points(group="bus.simulators")[name].load().faults for name in AGENCIES if name != healthy}
    for name in faults:
        # The fault by which an event could arrive twice comes in any case, until the next one of its agency.
        regency.agencies[name].switch_on("drop-answer:share=0.5")
    makers = {contract: traffic.make_items(office, contract) for office, contract in SENT if contract not in MADE_HERE}
    ends = time.monotonic() + SECONDS
    for number in count(1):
        disturb(regency.agencies[agency := random.choice(sorted(faults))], faults[agency], random)
        regency.publish(number, makers)
        if time.monotonic() > ends:
            break
        time.sleep(0.3)  # between two rounds of traffic, as offices publish
    # The healthy agency has everything while the others are still disturbed.
    until(lambda: not regency.find_difference(healthy), 30, lambda: regency.find_difference(healthy))

    for agency in regency.agencies.values():
        agency.switch_off()
    settle(lambda: {name: found for name in AGENCIES if (found := regency.find_difference(name))}, regency)
    for place, rows in POLLED.items():
        until(partial(regency.has_rows, *place, rows), 60)
    feed = regency.offices["dinas-kominfo"].get("/v1/feeds/pengaduan.laporan", params={"limit": 1000}).json()["events"]
    assert set(Counter(event["subject"] for event in feed).values()) == {1}


def settle(find: Callable[[], Any], regency: Regency) -> None:
    """Wait until nothing is found, and send again now and then."""
    deadline = time.monotonic() + 120
    while find():
        assert time.monotonic() < deadline, find()
        regency.send_again()
        time.sleep(1)
