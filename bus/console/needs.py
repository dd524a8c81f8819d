"""Needs: what somebody has to look at now, in sentences, each with the page of its act."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bus.agencies import KnownAgency
from bus.console.failures import explain_failure, explain_poll
from bus.console.findings import advise
from bus.console.words import Words
from bus.delivery import SubscriptionState
from bus.doctor import Finding, Urgency
from bus.status import PollState, ProducerState, Status, SubscriberState


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody.

    Attributes:
        is_urgent: whether data do not flow because of it.
        text: what happened, to whom, since when.
        path: the page of the act; empty: there is none in the console.
        act: the act in a few words; for a need without a page, what helps elsewhere.
        is_english: whether text and act are in English, whatever the visitor's language.
    """

    is_urgent: bool
    text: str
    path: str
    act: str
    is_english: bool = False


def list_needs(status: Status, findings: Sequence[Finding], words: Words) -> list[Need]:
    """What needs somebody, the urgent first."""
    found = [need for one in status.subscribers if one.is_troubled for need in _of_subscriber(one, words)]
    found += [need for one in status.polls if one.is_troubled for need in _of_poll(one, words)]
    found += [need for one in status.agencies for need in _of_agency(one.known, words)]
    found += [_of_producer(one, words) for one in status.producers if one.is_troubled]
    found += [_of_finding(one, words) for one in findings if one.is_wrong and one.code not in _IN_STATUS]
    return sorted(found, key=lambda need: not need.is_urgent)


_IN_STATUS: Final = frozenset({"sink-fails", "subscription-disabled", "poll-fails"})
"""Findings that the status tells too, in more detail."""


def _of_finding(finding: Finding, words: Words) -> Need:
    advice = advise(finding, words)
    return Need(finding.urgency is Urgency.NOW, advice.what, "", advice.do, is_english=advice.is_english)


def _of_subscriber(state: SubscriberState, words: Words) -> Iterator[Need]:
    one, say, health = state.subscription, words.say, state.health
    path, act = f"/konsol/penerima/{one.id}", say("Buka penerima")
    who = {"who": one.participant, "what": ", ".join(one.contracts), "count": words.tell_number(state.pending)}
    since = words.tell_moment(state.waiting_since)
    if one.state is SubscriptionState.DISABLED:
        text = say("Pengiriman %(what)s kepada %(who)s dimatikan; %(count)s data menunggu.", **who)
        yield Need(True, text, path, act)
    elif one.state is SubscriptionState.PAUSED and state.pending:
        yield Need(False, say("Pengiriman %(what)s kepada %(who)s dijeda; %(count)s data menunggu.", **who), path, act)
    elif health.failing_since is not None and state.pending:
        failing = words.tell_moment(health.failing_since)
        why = explain_failure(one.sink, health, words)
        text = say(
            "%(who)s belum menerima %(count)s data %(what)s sejak %(since)s: %(why)s.", since=failing, why=why, **who
        )
        yield Need(True, text, path, act)
    elif health.failing_since is not None and not state.dead:
        why = explain_failure(one.sink, health, words)
        text = say("%(who)s tidak menerima data %(what)s yang terakhir: %(why)s.", why=why, **who)
        yield Need(False, text, path, act)
    elif state.suspended and state.pending:
        text = say(
            "Izin %(who)s atas %(what)s ditangguhkan; %(count)s data menunggu sejak %(since)s.", since=since, **who
        )
        yield Need(False, text, path, act)
    if state.dead:
        dead = words.tell_number(state.dead)
        text = say("%(dead)s pengiriman %(what)s kepada %(who)s gagal dan tidak dicoba lagi.", dead=dead, **who)
        yield Need(True, text, path, say("Lihat dan kirim ulang"))
    if state.ungranted:
        names = ", ".join(state.ungranted)
        text = say("%(who)s tidak lagi berhak atas %(names)s, jadi tidak menerima data barunya.", names=names, **who)
        yield Need(False, text, path, act)


def _of_poll(state: PollState, words: Words) -> Iterator[Need]:
    report, say = state.report, words.say
    held = sum(one.deletions for one in report.held if one.released is None)
    about = {"agency": report.poll.adapter, "operation": report.poll.operation}
    if held:
        text = say(
            "Pengambilan %(operation)s dari %(agency)s menahan %(count)s penghapusan sampai Anda memeriksanya.",
            count=words.tell_number(held),
            **about,
        )
        yield Need(True, text, "/konsol/instansi", say("Periksa dan lepaskan"))
    if report.failure is not None and report.failure.is_troubled:
        text = say(
            "Pengambilan %(operation)s dari %(agency)s gagal sejak %(since)s: %(why)s.",
            since=words.tell_moment(report.failure.since),
            why=explain_poll(report.failure.kind, words),
            **about,
        )
        yield Need(True, text, "/konsol/instansi", say("Buka instansi"))
    if report.set_aside:
        text = say(
            "%(count)s baris %(operation)s dari %(agency)s tidak sesuai kontrak dan disisihkan.",
            count=words.tell_number(report.set_aside),
            **about,
        )
        yield Need(False, text, "/konsol/instansi", say("Buka instansi"))


def _of_agency(known: KnownAgency, words: Words) -> Iterator[Need]:
    path, act = "/konsol/instansi", words.say("Buka instansi")
    if known.is_left_in_peace:
        text = words.say(
            "Instansi %(agency)s tidak menjawab pertanyaan. Bus mencobanya lagi sendiri.", agency=known.name
        )
        yield Need(True, text, path, act)
    if known.quota_left == 0:
        text = words.say("Kuota pertanyaan ke %(agency)s untuk hari ini habis.", agency=known.name)
        yield Need(True, text, path, act)


def _of_producer(state: ProducerState, words: Words) -> Need:
    say, who = words.say, ", ".join(state.silent)
    if state.last_event is None:
        text = say("%(who)s belum pernah mengirim %(what)s.", who=who, what=state.contract)
    else:
        last = words.tell_moment(state.last_event)
        text = say("%(who)s tidak mengirim %(what)s sejak %(since)s.", who=who, what=state.contract, since=last)
    return Need(False, text, "", say("Hubungi produsen data tersebut."))
