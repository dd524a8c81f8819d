"""The watch: asks each receiver what arrived, and compares it with what should arrive."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from samples import expected, traffic
from samples.flow import Arrival, Flow, Verdict, Way, judge
from samples.grants import describe_content, list_leaves, number_names
from samples.offices import OFFICES
from samples.stage import Stage


@dataclass(frozen=True, slots=True)
class Refusal:
    """A wrong event that an app sent on purpose.

    Attributes:
        office: the app's office.
        contract: the event's contract.
        why: what is wrong with the event.
        answer: status, pointer and reason of the refusal; None if the bus accepted the event.
    """

    office: str
    contract: str
    why: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """All flows and refusals at one moment.

    Attributes:
        verdicts: the verdict on each flow.
        refusals: the wrong events so far.
        missing: texts of what still has to happen.
        wrong: texts of what should not have happened.
    """

    verdicts: list[Verdict]
    refusals: list[Refusal]
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether everything wanted arrived, nothing else did, and the bus refused every wrong event."""
        return not self.missing and not self.wrong


class Watch:
    """Looks at the receivers, and remembers their earlier answers.

    Args:
        stage: what runs.
        alone: whether only the sample apps publish.
    """

    def __init__(self, stage: Stage, *, alone: bool) -> None:
        self._stage = stage
        self._alone = alone
        self._http = httpx.Client(timeout=10.0)
        self._states: dict[str, dict[str, Any]] = {}
        self._events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._received: dict[str, list[dict[str, Any]]] = {}

    def look(self) -> Picture:
        """The picture at this moment."""
        for office, address in self._stage.apps.items():
            self._events[office] += self._get(f"{address}/inbox?after={len(self._events[office])}")
        for agency, address in self._stage.simulators.items():
            self._received[agency] = self._get(f"{address}/_simulator/received")["received"]
        # The question for the sent events comes last, so that it counts every event that arrived before.
        self._states = {office: self._get(f"{address}/state") for office, address in self._stage.apps.items()}
        sent = {office: state["sent"] for office, state in self._states.items()}
        verdicts = [
            judge(flow, self._find_arrivals(flow), alone=self._alone)
            for flow in expected.list_flows(self._stage.contracts, sent)
        ]
        return self._make_picture(verdicts, sent)

    def _make_picture(self, verdicts: list[Verdict], sent: expected.Sent) -> Picture:
        refusals = list(self._find_refusals())
        missing, wrong = [], []
        for verdict in verdicts:
            flow = verdict.flow
            name = f"{flow.contract} to {flow.consumer} by {flow.way.value}"
            if verdict.missing:
                missing.append(f"{name}: {len(verdict.missing)} of {len(flow.wanted)}, such as {verdict.missing[0]}")
            wrong += [f"{name}: {fault}" for fault in verdict.wrong]
        missing += _find_unsent(sent)
        planned = sum(len(traffic.make_mistakes(office)) for office in OFFICES)
        if len(refusals) < planned:
            missing.append(f"{planned - len(refusals)} of {planned} bad events are not sent yet")
        wrong += [f"{bad.office} got through with {bad.why}" for bad in refusals if bad.answer is None]
        return Picture(verdicts, refusals, missing, wrong)

    def _find_arrivals(self, flow: Flow) -> Iterator[Arrival]:
        if flow.way is Way.ADAPTER:
            yield from map(Arrival, _find_agency_keys(flow.contract, self._received[flow.consumer]))
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
                # An event that arrived twice counts once.
                events = list({event["id"]: event for event in events}.values())
                yield from map(Arrival, number_names(map(_describe_event, events)), events)
            else:
                yield from (Arrival(_name_event(event, flow.known_by), event) for event in events)

    def _find_refusals(self) -> Iterator[Refusal]:
        for office, state in self._states.items():
            for mistake in state["mistakes"]:
                told = mistake["refusal"]
                answer = told and f"{told['status']} {told['pointer'] or told['title']} {told['detail']}"
                yield Refusal(office, mistake["contract"], mistake["why"], answer)

    def _get(self, url: str) -> Any:
        return self._http.get(url).raise_for_status().json()


def _name_event(event: Mapping[str, Any], known_by: str) -> str:
    return str(event["subject"]) if known_by == "subject" else f"{event['source']} {event['id']}"


def _describe_event(event: Mapping[str, Any]) -> str:
    told = {} if event["data"] is None else dict(list_leaves(event["data"]))
    return describe_content(told, event.get("subject"))


def _find_unsent(sent: expected.Sent) -> Iterator[str]:
    for office, known in OFFICES.items():
        for output in known.outputs:
            done, planned = sent[office].get(output.contract, 0), traffic.count_events(output)
            if done < planned:
                yield f"{office} has sent {done} of {planned} events of {output.contract}"


def _find_agency_keys(contract: str, received: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The keys of the events that an agency's simulator received under a contract, read from the agency's own fields."""
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
