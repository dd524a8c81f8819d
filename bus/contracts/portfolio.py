"""Portfolios: the contracts that a participant owns or drafts, and those in domains that it owns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bus.contracts import domains
from bus.contracts.catalogue import Catalogue
from bus.contracts.domains import name_domain
from bus.contracts.ending import EndingGrant
from bus.contracts.errors import NoSuchContract
from bus.contracts.lifecycle import State
from bus.storage import Storage


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that nobody proposed yet."""

    contract: str
    version: str


class Portfolio:
    """The contracts of one participant. Synchronous: call it from threads.

    Attributes:
        holder: the participant; None: the operator, whose portfolio has every contract.
    """

    def __init__(self, storage: Storage, catalogue: Catalogue, holder: str | None) -> None:
        self.holder = holder
        self._storage = storage
        self._catalogue = catalogue

    def list_names(self, beginning: str = "") -> list[str]:
        """The names of the contracts that begin with a text, sorted."""
        known = [one for one in self._catalogue.list_known() if one.name.startswith(beginning)]
        if self.holder is None:
            return [one.name for one in known]
        owned = self._list_domains()
        unsettled = [one.name for one in known if one.owner is None and name_domain(one.name) not in owned]
        drafting = self._catalogue.registrar.listing.find_owners(unsettled)
        return [
            one.name
            for one in known
            if one.owner == self.holder or name_domain(one.name) in owned or self.holder in drafting.get(one.name, ())
        ]

    def check(self, name: str) -> None:
        """Refuse a contract that is not in the portfolio.

        Raises:
            NoSuchContract: as if it did not exist.
        """
        if not self.holds(name):
            raise NoSuchContract("There is no such contract in your reach.")

    def holds(self, name: str) -> bool:
        """Whether a contract is in the portfolio, or a proposal for it waits for the holder's word on an adapter."""
        owners = self._catalogue.registrar.listing.find_owners([name])[name]
        if self.holder is None or not owners:
            return bool(owners)
        if self.decides_on(name) or self._is_asked(name):
            return True
        settled = {one.contract.owner for one in self._catalogue.in_force(name)[-1:]}
        return self.holder in (settled or owners)

    def decides_on(self, name: str) -> bool:
        """Whether the holder proposes and approves versions of a contract: it owns the domain, or is the operator."""
        return self.holder is None or name_domain(name) in self._list_domains()

    def list_drafts(self, names: Iterable[str]) -> list[Draft]:
        """The drafts of contracts in the portfolio, by name and version.

        Args:
            names: as `list_names` gives them.
        """
        wanted = frozenset(names)
        return [
            Draft(one.name, entry.version)
            for one in self._catalogue.list_known()
            if one.name in wanted
            for entry in one.entries
            if entry.state is State.DRAFT
        ]

    def list_ending(self, since: date, until: date) -> list[EndingGrant]:
        """The grants of the portfolio's contracts whose last day is between two days, the first to end first."""
        names = frozenset(self.list_names())
        found = [
            grant
            for one in self._catalogue.list_known()
            if one.name in names
            for grant in one.ending
            if since <= grant.until <= until
        ]
        return sorted(found, key=lambda one: (one.until, one.contract, one.participant))

    def _is_asked(self, name: str) -> bool:
        proposals = self._catalogue.registrar.proposals.read()
        return any(one.contract == name and self.holder in one.adapter_owners for one in proposals)

    def _list_domains(self) -> frozenset[str]:
        if self.holder is None:
            return frozenset()
        with self._storage.read() as transaction:
            return domains.list_owned(transaction, self.holder)
