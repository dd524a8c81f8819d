"""The watch: asks every receiver what it got, and compares that with what it should have got."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from samples import expected, traffic
from samples.flow import Arrival, Flow, Verdict, Way, judge
from samples.grants import content, leaves, numbered
from samples.offices import OFFICES
from samples.stage import Stage


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wrong event that an app sent on purpose.

    Attributes:
        answer: status, pointer and reason; None where the bus took the event.
    """

    office: str
    contract: str
    why: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole at one moment.

    Attributes:
        missing: what still has to happen, in words.
        wrong: what must not have happened, in words.
    """

    verdicts: list[Verdict]
    refusals: list[Refusal]
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether everything arrived where it should, nothing else did, and all that is bad was refused."""
        return not self.missing and not self.wrong


class Watch:
    """Looks at receivers; remembers what they told before. `alone`: nobody but the sample apps publishes."""

    def __init__(self, stage: Stage, *, alone: bool) -> None:
        self._stage = stage
        self._alone = alone
        self._http = httpx.Client(timeout=10.0)
        self._states: dict[str, dict[str, Any]] = {}
        self._events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._received: dict[str, list[dict[str, Any]]] = {}

    def look(self) -> Picture:
        """The picture now."""
        for office, address in self._stage.apps.items():
            self._events[office] += self._get(f"{address}/inbox?after={len(self._events[office])}")
        for agency, address in self._stage.simulators.items():
            self._received[agency] = self._get(f"{address}/_simulator/received")["received"]
        # What was sent is asked last: whatever has arrived was sent by then.
        self._states = {office: self._get(f"{address}/state") for office, address in self._stage.apps.items()}
        sent = {office: state["sent"] for office, state in self._states.items()}
        verdicts = [
            judge(flow, self._arrivals(flow), alone=self._alone) for flow in expected.flows(self._stage.contracts, sent)
        ]
        return self._picture(verdicts, sent)

    def _picture(self, verdicts: list[Verdict], sent: expected.Sent) -> Picture:
        refusals = list(self._refusals())
        missing, wrong = [], []
        for verdict in verdicts:
            flow = verdict.flow
            name = f"{flow.contract} to {flow.consumer} by {flow.way.value}"
            if verdict.missing:
                missing.append(f"{name}: {len(verdict.missing)} of {len(flow.wanted)}, such as {verdict.missing[0]}")
            wrong += [f"{name}: {fault}" for fault in verdict.wrong]
        missing += _unsent(sent)
        planned = sum(len(traffic.mistakes(office)) for office in OFFICES)
        if len(refusals) < planned:
            missing.append(f"{planned - len(refusals)} of {planned} bad events are not sent yet")
        wrong += [f"{bad.office} got through with {bad.why}" for bad in refusals if bad.answer is None]
        return Picture(verdicts, refusals, missing, wrong)

    def _arrivals(self, flow: Flow) -> Iterator[Arrival]:
        if flow.way is Way.ADAPTER:
            yield from map(Arrival, _agency_keys(flow.contract, self._received[flow.consumer]))
        elif flow.way is Way.QUERY and flow.consumer in self._received:
            calls = self._received[flow.consumer]
            yield from (Arrival(str(call["NIK"])) for call in calls if call["operation"] == "CALL_NIK")
        elif flow.way is Way.QUERY:
            answers = self._states[flow.consumer]["answers"]
            yield from (Arrival(nik, {"data": answer}) for nik, answer in answers.items())
        elif flow.way is Way.RECORDS:
            records = self._get(f"{self._stage.apps[flow.consumer]}/records")
            yield from (Arrival(event["subject"], event) for event in records)
        else:
            events = [event for event in self._events[flow.consumer] if event["type"] == flow.contract]
            if flow.known_by == "content":
                # An event that came twice is one event.
                events = list({event["id"]: event for event in events}.values())
                yield from map(Arrival, numbered(map(_content, events)), events)
            else:
                yield from (Arrival(_name(event, flow.known_by), event) for event in events)

    def _refusals(self) -> Iterator[Refusal]:
        for office, state in self._states.items():
            for mistake in state["mistakes"]:
                told = mistake["refusal"]
                answer = told and f"{told['status']} {told['pointer'] or told['title']} {told['detail']}"
                yield Refusal(office, mistake["contract"], mistake["why"], answer)

    def _get(self, url: str) -> Any:
        return self._http.get(url).raise_for_status().json()


def _name(event: Mapping[str, Any], known_by: str) -> str:
    return str(event["subject"]) if known_by == "subject" else f"{event['source']} {event['id']}"


def _content(event: Mapping[str, Any]) -> str:
    told = {} if event["data"] is None else dict(leaves(event["data"]))
    return content(told, event.get("subject"))


def _unsent(sent: expected.Sent) -> Iterator[str]:
    for office, known in OFFICES.items():
        for output in known.outputs:
            done, planned = sent[office].get(output.contract, 0), traffic.count(output)
            if done < planned:
                yield f"{office} has sent {done} of {planned} events of {output.contract}"


def _agency_keys(contract: str, received: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What an agency's simulator was sent under a contract, by the agency's own name for what the contract's key is."""
    for sent in received:
        match contract:
            case "layanan.katalog":
                yield sent["kode_layanan"]
            case "kependudukan.data-balikan" if "CUSTOMER_ID" in sent:
                yield sent["CUSTOMER_ID"]
            case "infrastruktur.ruas-jalan":
                yield from (feature["attributes"]["NO_RUAS"] for feature in (*sent["adds"], *sent["updates"]))
            case "satudata.dataset":
                yield from (package["name"] for action, package in sent.items() if action.startswith("package_"))
            case "perencanaan.kegiatan" if "kegiatan" in sent:
                yield sent["kegiatan"]["kode_sub_giat"]
            case "pengaduan.tindak-lanjut":
                yield sent["tracking_id"]
