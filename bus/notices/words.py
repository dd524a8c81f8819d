"""Words: makes notices of facts, in Indonesian. Each function is pure, and looks at one kind of trouble.

No text holds an event's data, a secret, or a sink's path: a subscription is named by its id and its sink's host.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from bus import clock
from bus.delivery import MOST, SubscriptionState
from bus.notices.facts import Facts
from bus.notices.notice import Kind, Notice
from bus.status import SubscriberState, name_sink
from bus.texts import escape_unseen

Maker = Callable[[Facts], Iterator[Notice]]

AWAY: Final = timedelta(hours=1)
_SOON_DAYS: Final = 7
_WEEK: Final = timedelta(days=7)
_LONGEST: Final = 200
"""Characters of a name in a text: a message stays readable, whatever somebody named something."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")


def make_notices(facts: Facts) -> list[Notice]:
    """Everything that stands, in the order of the kinds."""
    return [notice for make in MAKERS for notice in make(facts)]


def write_moment(moment: datetime) -> str:
    """A moment as staff read it: `29 Nov 2026 09.14 WIB`."""
    local = moment.astimezone(clock.WIB)
    return f"{write_day(local.date())} {local:%H.%M} WIB"


def write_day(day: date) -> str:
    """A day as staff read it: `29 Nov 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def write_name(name: str) -> str:
    """A name on one line, of a length that can be read, without characters that nobody sees."""
    shown = escape_unseen(name[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def tell_sinks_away(facts: Facts) -> Iterator[Notice]:
    """Sinks that have taken nothing for an hour while deliveries wait."""
    for one in facts.subscribers:
        since = one.health.failing_since
        is_active = one.subscription.state is SubscriptionState.ACTIVE
        if not is_active or not one.pending or since is None or facts.now - since < AWAY:
            continue
        answer = f"menjawab {one.health.status}" if one.health.status else "tidak dapat dihubungi"
        yield Notice(
            Kind.SINK_AWAY,
            one.subscription.participant,
            one.subscription.id,
            f"Tujuan {_name_sink(one)} {answer}; {_count(one.pending)} pengiriman menunggu",
            "Perbaiki aplikasi penerima. Tidak ada peristiwa yang hilang; setelah diperbaiki, kirim ulang sekarang juga.",
            f"bus subscription redrive {one.subscription.id} --pending",
            f"POST /v1/subscriptions/{one.subscription.id}/redrive?pending=true",
            since,
        )


def tell_dead(facts: Facts) -> Iterator[Notice]:
    """Deliveries that were given up."""
    for one in facts.subscribers:
        if one.dead:
            yield Notice(
                Kind.DEAD_DELIVERIES,
                one.subscription.participant,
                one.subscription.id,
                f"{_count(one.dead)} pengiriman ke {_name_sink(one)} gagal tetap dan tidak dicoba lagi",
                "Cari penyebabnya pada daftar pengiriman, perbaiki, lalu kirim ulang; yang tidak diperlukan lagi dapat dibuang.",
                f"bus deliveries --subscription {one.subscription.id} --state dead; "
                f"bus subscription redrive {one.subscription.id}",
                f"GET /v1/deliveries?subscription={one.subscription.id}&state=dead; "
                f"POST /v1/subscriptions/{one.subscription.id}/redrive",
            )


def tell_disabled(facts: Facts) -> Iterator[Notice]:
    """Subscriptions that the bus disabled, because their webhook answered 410."""
    for one in facts.subscribers:
        if one.subscription.state is SubscriptionState.DISABLED:
            yield Notice(
                Kind.SUBSCRIPTION_DISABLED,
                one.subscription.participant,
                one.subscription.id,
                f"Langganan ke {_name_sink(one)} dinonaktifkan karena tujuannya menjawab 410 (tidak ada lagi)",
                "Bila tujuan masih dipakai, perbaiki lalu aktifkan lagi; bila tidak, hapus langganannya.",
                f"bus subscription resume {one.subscription.id}",
                f"POST /v1/subscriptions/{one.subscription.id}/resume",
                one.health.failed_at,
            )


def tell_grants(facts: Facts) -> Iterator[Notice]:
    """Grants that end within thirty days, or have ended. Far from its end, a grant is told once a week."""
    for one in facts.grants:
        days = (one.until - facts.today).days
        what = f"berakhir {write_day(one.until)}" if days >= 0 else f"sudah berakhir pada {write_day(one.until)}"
        contract = write_name(one.contract)
        yield Notice(
            Kind.GRANT_ENDS,
            one.participant,
            one.contract,
            f"Izin akses {write_name(one.participant)} pada {contract} {what}",
            f"Minta {write_name(one.owner)} mengusulkan versi baru dengan `until` yang lebih lama. "
            "Setelah hari itu tidak ada data yang diberikan.",
            f"bus grant list --contract {contract}",
            f"GET /v1/participants/{write_name(one.participant)}/access",
            repeat=timedelta(days=1) if 0 <= days <= _SOON_DAYS else _WEEK,
        )


def tell_secrets(facts: Facts) -> Iterator[Notice]:
    """Old signing secrets that end: the receiver has to know the new one by then."""
    for one in facts.subscribers:
        ends = one.subscription.old_secret_ends
        if ends is not None and ends > facts.now:
            yield Notice(
                Kind.SECRET_ENDS,
                one.subscription.participant,
                one.subscription.id,
                f"Rahasia tanda tangan lama untuk {_name_sink(one)} berakhir {write_moment(ends)}",
                "Pasang rahasia yang baru pada aplikasi penerima. Bila rahasia baru hilang, ganti sekali lagi.",
                call=f"POST /v1/subscriptions/{one.subscription.id}/rotate-secret",
            )


def tell_proposals(facts: Facts) -> Iterator[Notice]:
    """Versions that wait for the word of somebody."""
    for one in facts.proposals:
        name, version = write_name(one.contract), write_name(one.version)
        path = f"/v1/contracts/{name}/versions/{version}"
        asked = f"Usulan {name} {version} dari {write_name(one.by)} menunggu"
        yield Notice(
            Kind.PROPOSAL_WAITS,
            one.approver,
            f"{one.contract} {one.version}",
            f"{asked} persetujuan {write_name(one.approver) if one.approver else 'operator'}",
            "Periksa usulannya, lalu aktifkan, atau minta pengusul mengubahnya.",
            f"bus contract show {name} --version {version}; bus contract activate {name} {version}",
            f"GET {path}; POST {path}/activate",
            one.since,
        )
        for owner in one.adapter_owners:
            yield Notice(
                Kind.PROPOSAL_WAITS,
                owner,
                f"{one.contract} {one.version} adapter",
                f"{asked} kesediaan {write_name(owner)} untuk memakai adaptornya",
                "Periksa usulannya, lalu nyatakan setuju.",
                "",
                f"GET {path}; POST {path}/consent",
                one.since,
            )


def tell_polls(facts: Facts) -> Iterator[Notice]:
    """Polls that hold deletions back until the operator says so."""
    for one in facts.polls:
        poll = one.report.poll
        held = [hold for hold in one.report.held if hold.released is None]
        if held:
            agency, operation = write_name(poll.adapter), write_name(poll.operation)
            rows, known = sum(hold.deletions for hold in held), sum(hold.known for hold in held)
            yield Notice(
                Kind.POLL_HELD,
                None,
                f"{poll.adapter}/{poll.operation}",
                f"Penarikan {agency}/{operation} ditahan: {rows} dari {known} baris hilang dari daftar instansi",
                f"Bandingkan dengan daftar {agency}. Bila memang benar dihapus, lepaskan.",
                f"bus agency release {agency}",
                f"POST /v1/agencies/{agency}/release",
                clock.moment(min(hold.since for hold in held)),
            )


def tell_failing_polls(facts: Facts) -> Iterator[Notice]:
    """Polls that have failed for an hour."""
    for one in facts.polls:
        poll, failure = one.report.poll, one.report.failure
        if failure is None or not failure.is_troubled or failure.since is None or facts.now - failure.since < AWAY:
            continue
        agency, operation = write_name(poll.adapter), write_name(poll.operation)
        yield Notice(
            Kind.POLL_FAILS,
            None,
            f"{poll.adapter}/{poll.operation}",
            f"Penarikan {agency}/{operation} gagal {failure.in_a_row} kali berturut-turut: {write_name(failure.detail)}",
            f"Periksa akun dan alamat {agency} pada pengaturan bus, lalu hubungi instansinya. Tidak ada data yang hilang.",
            "bus agency list; bus doctor",
            "GET /v1/agencies",
            failure.since,
        )


def tell_silent(facts: Facts) -> Iterator[Notice]:
    """Producers whose contracts want fresher data than they send."""
    for one in facts.producers:
        for participant in one.silent:
            contract = write_name(one.contract)
            yield Notice(
                Kind.PRODUCER_SILENT,
                participant,
                one.contract,
                f"{write_name(participant)} belum mengirim {contract} selama lebih dari {one.fresh_hours} jam",
                "Periksa apakah aplikasi pengirim berjalan, dan apakah kirimannya ditolak.",
                f"bus events --contract {contract}; bus refusals --participant {write_name(participant)}",
                f"GET /v1/refusals?contract={contract}",
                one.last_event,
            )


def tell_backup(facts: Facts) -> Iterator[Notice]:
    """A back-up that is older than the operator wants, or was never made."""
    since = facts.backed_up_at or facts.made_at
    longest = timedelta(hours=facts.backup_hours)
    if not facts.backup_hours or (since is not None and facts.now - since <= longest):
        return
    last = f"cadangan terakhir {write_moment(facts.backed_up_at)}" if facts.backed_up_at else "belum pernah dicadangkan"
    yield Notice(
        Kind.BACKUP_LATE,
        None,
        "bus",
        f"Cadangan bus terlambat: {last}, paling lama {facts.backup_hours} jam",
        "Buat cadangan sekarang, lalu periksa penjadwalnya (cron atau systemd).",
        "bus backup FOLDER",
        since=since,
    )


def _name_sink(one: SubscriberState) -> str:
    participant, sink = write_name(one.subscription.participant), write_name(name_sink(one.subscription.sink))
    return f"{participant} ({sink}, {one.subscription.id})"


def _count(number: int) -> str:
    return f"{number} atau lebih" if number >= MOST else str(number)


MAKERS: Final[tuple[Maker, ...]] = (
    tell_sinks_away,
    tell_disabled,
    tell_dead,
    tell_polls,
    tell_failing_polls,
    tell_backup,
    tell_silent,
    tell_proposals,
    tell_secrets,
    tell_grants,
)
