"""The registry: the adapters that have settings. It follows the register of documents, and replaces an adapter under way.

A new agency is no change here: it is a document in `contracts/adapter/`, or a package like `adapters/pupr` that `pyproject.toml`
names as an entry point.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import structlog

from bus.agencies.factories import Find, check_known, find_installed, list_shipped
from bus.agencies.holding import Plausibility
from bus.agencies.lasting import LastingAdapter
from bus.agencies.pauses import Pause, Pauses
from bus.agencies.quotas import QuotaTerms
from bus.contracts import AdapterUse, Contract, check_named, check_serves, make_binding
from bus.kit import Adapter, AdapterFactory, AdapterSettings, Deliver, Does, Operation, Poll, Push, Query
from bus.problem import Refused, Unavailable
from bus.settings import SettingsWrong, read_adapter_settings

if TYPE_CHECKING:
    # The import of declared adapters takes longer than most commands do.
    from bus.declared import AdapterCatalogue, DeclaredFactory, InForce

log = structlog.get_logger(__name__)

_METHODS: Final[Mapping[Does, type]] = {Does.DELIVER: Deliver, Does.POLL: Poll, Does.QUERY: Query, Does.PUSH: Push}


class AdapterOff(Unavailable):
    """This bus has no settings for the agency's adapter; ask the operator to give them."""

    slug = "adapter-off"


class AdapterIncomplete(Refused):
    """An adapter lacks a method for one of its operations; its developer has to add the method."""

    slug = "adapter-incomplete"


@dataclass(frozen=True, slots=True)
class _Serving:
    factory: AdapterFactory
    settings: AdapterSettings
    adapter: Adapter
    given: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of a registered adapter: it serves, or `off` says why it does not."""

    in_force: "InForce"
    serving: _Serving | None = None
    off: str = ""


class Agencies:
    """The adapters that have settings. Belongs to one event loop."""

    def __init__(
        self,
        settings: Mapping[str, Mapping[str, str]],
        factories: Mapping[str, Find] | None = None,
        declared: "AdapterCatalogue | None" = None,
        pauses: Pauses | None = None,
    ) -> None:
        """Make each adapter that has settings (`BUS_ADAPTERS__<AGENCY>__…`), and those of documents in force.

        A registered document counts before one of its name that ships with the bus.

        Args:
            settings: agency to the names and values of its settings.
            factories: for each agency, a function that finds its factory. None: the installed entry points.
            declared: the registered documents in force, which the registry follows. None: there are none, and settings of an
                unknown agency are refused.
            pauses: what the operator paused; None: nothing.

        Raises:
            SettingsWrong: an installed adapter's settings are missing or wrong.
            AdapterIncomplete: an adapter has no method for one of its operations.
        """
        self._pauses = pauses
        factories = find_installed() if factories is None else factories
        self._settings = settings
        self._factories = factories
        self._declared = declared
        registered: Mapping[str, InForce] = declared.in_force if declared else {}
        check_known(settings.keys() - factories.keys() - registered.keys(), factories, may_come=declared is not None)
        self._installed = {
            name: _make_serving(factories[name](), given)
            for name, given in settings.items()
            if name in factories and name not in registered
        }
        self._taken: dict[str, _Taken] = {}
        self._serving: Mapping[str, _Serving] = self._installed
        self._listeners: list[Callable[[], None]] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._take_over()

    def follow(self) -> None:
        """Take over what changes in the register from now on. Call it in the event loop that the adapters belong to."""
        loop = asyncio.get_running_loop()

        def take_over_soon() -> None:
            # The loop may have ended before the register's last change.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._take_over)

        if self._declared is not None:
            self._declared.listen(take_over_soon)
            self._take_over()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called in the event loop whenever an adapter came, went or changed."""
        self._listeners.append(listener)

    @property
    def serving(self) -> object:
        """An object that is another one after each change of the adapters that serve."""
        return self._serving

    def is_serving(self, adapter: str) -> bool:
        """Whether an adapter serves."""
        return adapter in self._serving

    def is_known(self, adapter: str) -> bool:
        """Whether an adapter serves, or would with settings or an active version."""
        return adapter in self._serving or adapter in self._taken or adapter in self._factories

    def explain_off(self, adapter: str) -> str:
        """Why an adapter does not serve, or not all that was asked of it, and what the operator does."""
        if adapter in self._serving:
            return f"The adapter {adapter} lacks an operation."
        taken = self._taken.get(adapter)
        return taken.off if taken and taken.off else f"This bus has no settings for an adapter {adapter}."

    def _take_over(self) -> None:
        """Have the documents in force serve. Those that they replace end behind their last call."""
        if self._declared is None:
            return
        before = self._taken
        self._taken = {
            name: before[name] if name in before and before[name].in_force == found else self._take(name, found)
            for name, found in self._declared.in_force.items()
        }
        kept = {id(taken) for taken in self._taken.values()}
        gone = [taken.serving for taken in before.values() if id(taken) not in kept]
        gone += [self._installed.pop(name) for name in self._taken.keys() & self._installed.keys()]
        if self._taken != before:
            self._put_in_place()
        for one in gone:
            if one is not None:
                self._retire(one.adapter)

    def _put_in_place(self) -> None:
        serving = {name: taken.serving for name, taken in self._taken.items() if taken.serving is not None}
        # Replaced as a whole: a reader in another thread sees the old adapters or the new ones.
        self._serving = self._installed | serving
        for listener in self._listeners:
            listener()

    def _take(self, name: str, found: "InForce") -> "_Taken":
        if found.version is None:
            return _Taken(found, off=f"No version of the adapter {name} is active; activate one.")
        if found.factory is None:
            return _Taken(
                found, off=f"This bus cannot read the document of {name} {found.version}; register a newer one."
            )
        if name in list_shipped() and name not in self._settings:
            # Every development bus has these documents. None may send sample data to a real agency by itself.
            return _Taken(
                found, off=f"This bus has no settings for the adapter {name} (BUS_ADAPTERS__{name.upper()}__…)."
            )
        try:
            serving = _make_declared(found.factory, self._settings.get(name, {}))
        except SettingsWrong as wrong:
            log.error("adapter.off", adapter=name, version=found.version, detail=wrong.detail)
            return _Taken(
                found,
                off=f"The adapter {name} {found.version} is off. Give its settings, then restart the bus. {wrong.detail}",
            )
        log.info("adapter.in_force", adapter=name, version=found.version)
        return _Taken(found, serving)

    def _retire(self, adapter: Adapter) -> None:
        assert isinstance(adapter, LastingAdapter)  # noqa: S101 - no document takes the name of a coded adapter
        task = asyncio.get_running_loop().create_task(adapter.retire(), name="adapter.retire")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def find_pause(self, adapter: str, operation: str) -> Pause | None:
        """The operator's pause that stops an operation; None: it goes on."""
        return None if self._pauses is None else self._pauses.find(adapter, operation)

    def check_not_paused(self, adapter: str, operation: str) -> None:
        """Refuse an operation that the operator paused.

        Raises:
            AgencyPaused: it is paused.
        """
        pause = self.find_pause(adapter, operation)
        if pause is not None:
            raise pause.refuse()

    def list_operations(self, adapter: str) -> list[str] | None:
        """The names of an adapter's operations, whether it serves or not; None: this bus knows no such adapter."""
        serving, taken = self._serving.get(adapter), self._taken.get(adapter)
        if serving is not None:
            return [one.name for one in serving.factory.operations]
        if taken is not None:
            factory = taken.in_force.factory
            return [] if factory is None else [one.name for one in factory.operations]
        make = self._factories.get(adapter)
        return None if make is None else [one.name for one in make().operations]

    def find_deliver(self, adapter: str, operation: str) -> tuple[Deliver, Operation]:
        """The adapter that delivers by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such delivery.
        """
        agency, found = self._find(adapter, operation, Does.DELIVER)
        return cast("Deliver", agency), found

    def find_poll(self, adapter: str, operation: str) -> tuple[Poll, Operation]:
        """The adapter that polls by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such poll.
        """
        agency, found = self._find(adapter, operation, Does.POLL)
        return cast("Poll", agency), found

    def find_query(self, adapter: str, operation: str) -> tuple[Query, Operation]:
        """The adapter that answers queries by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such query.
        """
        agency, found = self._find(adapter, operation, Does.QUERY)
        return cast("Query", agency), found

    def find_push(self, adapter: str, operation: str) -> tuple[Push, Operation]:
        """The adapter that takes pushes by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such push.
        """
        agency, found = self._find(adapter, operation, Does.PUSH)
        return cast("Push", agency), found

    def _find(self, adapter: str, operation: str, does: Does) -> tuple[Adapter, Operation]:
        found = self.find_operation(adapter, operation, does)
        serving = self._serving.get(adapter)
        if found is None or serving is None:
            raise AdapterOff(f"{self.explain_off(adapter)} Nothing does the {does.value} operation {operation}.")
        # `_make_serving` checked that the adapter has the method.
        return serving.adapter, found

    def find_operation(self, adapter: str, operation: str, does: Does) -> Operation | None:
        """An operation of an adapter; None if the adapter has no settings, or no such operation that does `does`."""
        found = self._find_operation(adapter, operation)
        return found if found is not None and found.does is does else None

    def _find_operation(self, adapter: str, operation: str) -> Operation | None:
        serving = self._serving.get(adapter)
        if serving is None:
            return None
        return next((one for one in serving.factory.operations if one.name == operation), None)

    def check_serves(self, contract: Contract, in_force: Sequence[Contract], adapter: str, operation: str) -> None:
        """Check that an operation may exchange the data of a contract version.

        An activation checks this too. But a version may be in force since before the operation demanded as much.

        Args:
            contract: the version whose data the operation reads or writes.
            in_force: all versions of this contract in force.
            adapter: the adapter's name.
            operation: the operation's name.

        Raises:
            NotBound: no version in force names the operation.
            ContractSaysLess: the version protects the data less than the operation demands.
            AdapterOff: the adapter has no settings, or no such operation.
        """
        found = self._find_operation(adapter, operation)
        if found is None:
            raise AdapterOff(f"{self.explain_off(adapter)} Nothing does the operation {operation}.")
        use = AdapterUse(adapter, operation)
        check_named(contract.name, in_force, use)
        check_serves(contract, use, make_binding(found, ""))

    def find_participant(self, adapter: str) -> str:
        """The participant of an adapter that serves. Raises AdapterOff if it serves no more."""
        return self._get(adapter).factory.participant

    def _get(self, adapter: str) -> _Serving:
        serving = self._serving.get(adapter)
        if serving is None:
            raise AdapterOff(self.explain_off(adapter))
        return serving

    def list_polls(self) -> Iterator[tuple[str, Operation]]:
        """The adapter's name and the operation of every poll."""
        for name, serving in self._serving.items():
            for operation in serving.factory.operations:
                if operation.does is Does.POLL:
                    yield name, operation

    def find_quota_terms(self, adapter: str) -> QuotaTerms | None:
        """What the agreement with an agency says about a day's calls; None: the agency counts no calls."""
        serving = self._serving.get(adapter)
        if serving is None or serving.settings.daily_quota is None:
            return None
        return QuotaTerms(serving.settings.daily_quota, serving.settings.quota_parts)

    def list_names(self) -> list[str]:
        """The adapters that have settings, by name."""
        return sorted(self._serving)

    def list_off(self) -> list[str]:
        """The adapters that are off though somebody wants them: a document that ships counts only if it has settings."""
        return sorted(
            name
            for name, taken in self._taken.items()
            if taken.off and (name in self._settings or name not in list_shipped())
        )

    def find_interval(self, adapter: str, operation: Operation) -> float:
        """Seconds between two steps of a poll, if the agency has no more."""
        return self._get(adapter).settings.poll_seconds or operation.interval

    def find_plausibility(self, adapter: str) -> Plausibility:
        """How many rows of a list may be gone at once."""
        settings = self._get(adapter).settings
        return Plausibility(settings.deletions_share, settings.deletions_rows)

    def renew(self, settings: Mapping[str, Mapping[str, str]]) -> dict[str, Adapter]:
        """Make each adapter anew whose settings changed. An installed one without settings until now needs a restart.

        Args:
            settings: agency to the names and values of its settings.

        Returns:
            The replaced adapters, which the caller closes once their calls are over.

        Raises:
            SettingsWrong, AdapterIncomplete: as at the start; no adapter was replaced.
        """
        changed = {name: given for name, given in settings.items() if given != self._settings.get(name, {})}
        installed = {
            name: _make_serving(self._installed[name].factory, given)
            for name, given in changed.items()
            if name in self._installed
        }
        taken = {
            name: _Taken(found.in_force, _make_declared(found.in_force.factory, given))
            for name, given in changed.items()
            if (found := self._taken.get(name)) and found.in_force.factory is not None
        }
        replaced = {name: self._serving[name].adapter for name in installed | taken if name in self._serving}
        self._settings = {**self._settings, **settings}
        self._installed |= installed
        self._taken = {**self._taken, **taken}
        if installed or taken:
            self._put_in_place()
        return replaced

    async def close(self) -> None:
        """Close all adapters."""
        if self._retiring:
            await asyncio.wait(self._retiring)
        for serving in self._serving.values():
            await serving.adapter.close()


def _make_declared(factory: "DeclaredFactory", given: Mapping[str, str]) -> _Serving:
    settings, adapter = factory.make(given)
    return _Serving(factory, settings, LastingAdapter(adapter), dict(given))


def _make_serving(factory: AdapterFactory, given: Mapping[str, str]) -> _Serving:
    settings = read_adapter_settings(factory.name, factory.settings, given)
    adapter = factory.create(settings)
    for operation in factory.operations:
        if not isinstance(adapter, _METHODS[operation.does]):
            method = operation.does.value
            raise AdapterIncomplete(f"The adapter {factory.name} has no method {method} for {operation.name}.")
    # A registered version of a document that ships may take its place.
    lasts = factory.name in list_shipped()
    return _Serving(factory, settings, LastingAdapter(adapter) if lasts else adapter, dict(given))
