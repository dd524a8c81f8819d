"""Gathers the facts of a bus: the one place where the doctor touches files, disks and the database."""

import shutil
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bus import clock
from bus.agencies import Holds, find_off, list_shipped, read_declared
from bus.contracts import Catalogue, State, find_ending_grants
from bus.declared import InForce
from bus.delivery import (
    Subscriptions,
    SubscriptionState,
    find_failing,
    find_unattended,
    measure_lag,
    read_beats,
)
from bus.doctor.facts import Disabled, Disk, Facts, FailingPoll, NamedAgency, OffAdapter, Sunset
from bus.identity import Keys, read_contacts
from bus.journal import JournalReader
from bus.notices import find_failing_recipients, find_recipients
from bus.settings import NOTEBOOK, Settings
from bus.storage import Condition, Storage, read_condition

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_GRANT_DAYS: Final = 30
_FAILING: Final = timedelta(days=1)
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite appends to a database's name for the database and its further files."""


def gather_facts(settings: Settings, storage: Storage, keys: Keys) -> Facts:
    """The facts of a bus, of which parts may run elsewhere. Synchronous: call it from a thread.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    now = clock.now()
    today = clock.local_date(now)
    condition = read_condition(storage)
    every = Subscriptions(storage, keys).listed(None)
    catalogue = Catalogue(storage, keys.pseudonym)
    catalogue.refresh()
    registered = read_declared(storage)()
    lag = measure_lag(storage, JournalReader(storage))
    return Facts(
        today=today,
        now=now,
        open_paths=tuple(path for path in _list_private(settings, condition) if _is_open(path)),
        public_url=settings.public_url,
        disks=tuple(_measure_disks(settings, condition)),
        condition=condition,
        ahead_seconds=tuple(_find_ahead(storage, now)),
        lag_events=lag.events,
        lag_seconds=lag.seconds,
        unattended_roles=tuple(find_unattended(storage, every)),
        grants=tuple(find_ending_grants(catalogue.walk_contracts(""), today, _GRANT_DAYS)),
        sunsets=tuple(_list_sunsets(catalogue)),
        failing=tuple(find_failing(storage, every, now - _FAILING)),
        disabled=tuple(Disabled(one.id, one.participant) for one in every if one.state is SubscriptionState.DISABLED),
        agencies=tuple(_list_agencies(catalogue, settings, registered)),
        off_adapters=tuple(_list_off(registered, settings)),
        polls=tuple(_list_failing_polls(storage)),
        is_development=(settings.data_dir / NOTEBOOK).exists(),
        tells_somebody=bool(find_recipients(settings, {})),
        deaf=tuple(find_failing_recipients(storage, find_recipients(settings, read_contacts(storage)))),
    )


def _list_private(settings: Settings, condition: Condition) -> Iterator[Path]:
    """Everything of a bus that only its own user may open. A closed data folder closes what is in it, too."""
    folder = settings.data_dir
    if _is_open(folder):
        yield from (folder, folder / "settings.json", folder / "keys", *sorted((folder / "keys").glob("*")))
    if condition.file and _is_open(condition.file.parent):
        yield from (condition.file.with_name(condition.file.name + ending) for ending in _BESIDE)


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def _measure_disks(settings: Settings, condition: Condition) -> Iterator[Disk]:
    folders = {settings.data_dir.stat().st_dev: settings.data_dir}
    if condition.file:
        folders.setdefault(condition.file.stat().st_dev, condition.file.parent)
    for folder in folders.values():
        used = shutil.disk_usage(folder)
        yield Disk(folder, used.free, used.total)


def _find_ahead(storage: Storage, now: datetime) -> Iterator[tuple[str, float]]:
    """Processes whose last heartbeat is of the future. An old heartbeat tells a dead process, or a clock that is behind."""
    for process, seen_at in sorted(read_beats(storage).items()):
        ahead = (clock.moment(seen_at) - now).total_seconds()
        if ahead > 0:
            yield process, ahead


def _list_sunsets(catalogue: Catalogue) -> Iterator[Sunset]:
    for name, version, _ in catalogue.registrar.listing.read_versions():
        if version.state is State.DEPRECATED and version.sunset:
            yield Sunset(name, version.version, version.sunset)


def _list_agencies(
    catalogue: Catalogue, settings: Settings, registered: Mapping[str, InForce]
) -> Iterator[NamedAgency]:
    named: dict[str, set[str]] = {}
    for uses in catalogue.list_adapter_uses():
        for use in uses.adapters:
            named.setdefault(use.adapter, set()).add(uses.name)
    for agency, contracts in sorted(named.items()):
        # A registered adapter may need no settings. One that needs some is told of as an adapter that is off.
        if agency not in settings.adapters and (agency not in registered or agency in list_shipped()):
            yield NamedAgency(agency, tuple(sorted(contracts)))


def _list_failing_polls(storage: Storage) -> Iterator[FailingPoll]:
    for report in Holds(storage).report():
        failure = report.failure
        if failure is not None and failure.is_troubled and failure.since is not None:
            yield FailingPoll(report.poll, failure, failure.since)


def _list_off(registered: Mapping[str, InForce], settings: Settings) -> Iterator[OffAdapter]:
    for name, one in sorted(registered.items()):
        given = settings.adapters.get(name)
        # A document that ships and has no settings is told of as an agency without settings.
        is_nobodys = one.version is None or (given is None and name in list_shipped())
        if not is_nobodys and (why := find_off(name, one, given)) is not None:
            yield OffAdapter(name, why)
