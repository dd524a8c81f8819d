"""What the bus knows of each agency that has settings: whether its adapter serves, and what today's quota has left."""

from collections.abc import Mapping
from dataclasses import dataclass

from bus.agencies.circuits import OpenCircuits
from bus.agencies.factories import find_installed
from bus.agencies.queries import Queries
from bus.agencies.quotas import QuotaLedger, QuotaTerms
from bus.agencies.registry import Agencies
from bus.settings import SettingsWrong, read_adapter_settings


@dataclass(frozen=True, slots=True)
class KnownAgency:
    """An agency.

    Attributes:
        name: the adapter's name.
        off: why the adapter does not serve; None: it serves.
        quota_daily, quota_left: calls of a day, and those that are left today; None: the agency counts no calls.
        is_left_in_peace: a process puts no questions to it, since it does not answer; None: the agency has no settings here.
    """

    name: str
    off: str | None = None
    quota_daily: int | None = None
    quota_left: int | None = None
    is_left_in_peace: bool | None = None


def list_serving(agencies: Agencies, quotas: QuotaLedger, queries: Queries) -> list[KnownAgency]:
    """The agencies of a running bus, those too whose adapter is off."""
    open_circuits = queries.list_open_circuits()
    return [
        _make(
            name,
            None if agencies.is_serving(name) else agencies.explain_off(name),
            agencies.find_quota_terms(name),
            quotas,
            is_left_in_peace=name in open_circuits,
        )
        for name in sorted({*agencies.list_names(), *agencies.list_off()})
    ]


def list_configured(
    settings: Mapping[str, Mapping[str, str]], quotas: QuotaLedger, circuits: OpenCircuits
) -> list[KnownAgency]:
    """The agencies that a command line sees in its settings, or that a process leaves in peace.

    A registered document is checked by the running bus alone.

    Args:
        settings: agency to the names and values of its settings.
    """
    open_circuits = circuits.list()
    installed = settings.keys() & find_installed().keys()
    found = [_read_configured(name, settings[name], quotas, name in open_circuits) for name in installed]
    found += [KnownAgency(name, is_left_in_peace=True) for name in open_circuits - installed]
    return sorted(found, key=lambda one: one.name)


def _read_configured(name: str, given: Mapping[str, str], quotas: QuotaLedger, is_left_in_peace: bool) -> KnownAgency:
    try:
        settings = read_adapter_settings(name, find_installed()[name]().settings, given)
    except SettingsWrong as wrong:
        return KnownAgency(name, off=wrong.detail)
    terms = None if settings.daily_quota is None else QuotaTerms(settings.daily_quota, settings.quota_parts)
    return _make(name, None, terms, quotas, is_left_in_peace=is_left_in_peace)


def _make(
    name: str, off: str | None, terms: QuotaTerms | None, quotas: QuotaLedger, *, is_left_in_peace: bool | None
) -> KnownAgency:
    if terms is None:
        return KnownAgency(name, off, is_left_in_peace=is_left_in_peace)
    return KnownAgency(name, off, terms.daily, quotas.read_left(name, terms), is_left_in_peace)
