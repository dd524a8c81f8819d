"""The judgement of a version before it is proposed or activated: check, contracts in force, addresses, settings."""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bus import json
from bus.contracts import Catalogue, Contract, Severity
from bus.declared.document import AdapterDocument, Poll, Push
from bus.declared.factory import DeclaredFactory, Surroundings
from bus.declared.guard import Lookup, look_up
from bus.declared.register.check import check_adapter, find_broken
from bus.declared.register.errors import (
    AdapterAddressRefused,
    AdapterIncompatible,
    AdapterNotReady,
    AdapterSettingsUnfit,
)
from bus.declared.register.registered import Draft, RegisteredAdapter
from bus.heavy import Heavy
from bus.networks import Address, Network, may_connect
from bus.problem import FieldError
from bus.settings import SettingsWrong

_LOOKUP_SECONDS: Final = 5.0
"""Longest wait for the addresses of a host."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the check of a document found.

    Attributes:
        findings: lint, as JSON: a list of objects.
        errors: the findings that keep the version from being used.
        broken: what contracts in force would lose.
        serves_persons: contracts in force that name the adapter carry personal data, whatever the document says of itself.
    """

    findings: bytes
    errors: tuple[FieldError, ...]
    broken: tuple[FieldError, ...]
    serves_persons: bool = False


class Judge:
    """Judges documents. Belongs to one event loop.

    Args:
        catalogue: the contracts in force.
        heavy: where documents are checked.
        settings: the operator's settings of adapters, by name.
        networks: where agencies may be private or plain http.
        lookup: finds the addresses of a host.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        heavy: Heavy,
        settings: Mapping[str, Mapping[str, str]],
        networks: Sequence[Network] = (),
        lookup: Lookup = look_up,
    ) -> None:
        self._catalogue = catalogue
        self._heavy = heavy
        self._settings = settings
        self._networks = networks
        self._lookup = lookup

    async def judge(self, draft: Draft | RegisteredAdapter, who: str) -> Judgement:
        """What the check finds; it refuses nothing that a draft may have.

        Raises:
            TooHeavy, TooMuchAtOnce, HeavyWorkWaits: the check takes too long, or others wait for theirs.
            AdapterInvalid: this version of the bus cannot read the document.
        """
        naming, asked = await asyncio.to_thread(self._list_asked, draft)
        found = json.loads(await self._heavy.run(check_adapter, draft.text, asked, who=who))
        errors = [one for one in found["findings"] if one["severity"] == Severity.ERROR.value]
        serves_persons = any(one.classification.is_about_persons for one in naming)
        broken = _list_errors(found["broken"])
        return Judgement(json.dumps(found["findings"]), _list_errors(errors), broken, serves_persons)

    async def approve(self, present: RegisteredAdapter, who: str) -> Judgement:
        """The judgement of a version that may be put in force.

        Raises:
            AdapterNotReady: the document has errors.
            AdapterIncompatible: contracts in force would lose an operation.
            AdapterAddressRefused: a server is where the bus may not connect to.
            AdapterSettingsUnfit: the operator's settings do not fit the document.
            Refused: what `judge` raises.
        """
        named = f"{present.name} {present.version}"
        judged = await self.judge(present, who)
        if judged.errors:
            raise AdapterNotReady(f"{named} has to be mended first.", errors=judged.errors)
        if judged.broken:
            raise AdapterIncompatible(f"{named} does not serve contracts in force.", errors=judged.broken)
        document = present.document
        if refused := await self._list_refused(document):
            raise AdapterAddressRefused(
                f"{named} has a server that the bus may not connect to. The operator names private networks in"
                " BUS_AGENCY_NETWORKS.",
                errors=refused,
            )
        await self._check_settings(document)
        return judged

    def _list_asked(self, draft: Draft | RegisteredAdapter) -> tuple[Sequence[Contract], bytes]:
        """The versions in force that name the adapter, and what `check_adapter` has to know of contracts in force."""
        # Another process may have put one in force a moment ago.
        self._catalogue.refresh()
        named = [name for name in _list_contracts(draft.document) if self._catalogue.has_active(name)]
        naming = self._catalogue.list_contracts_using(draft.name)
        told = {
            "contracts": [self._catalogue.newest(name).contract.document for name in named],
            "naming": [one.document for one in naming],
        }
        return naming, json.dumps(told)

    async def _list_refused(self, document: AdapterDocument) -> list[FieldError]:
        """The servers that the bus may not connect to."""
        refused = []
        for at, server in enumerate(document.servers):
            parts = urlsplit(server.url)
            addresses = await self._find_addresses(parts.hostname or "")
            plain = parts.scheme == "http"
            # A host without an address today is no fault of the document. Each connection is checked anyway.
            if addresses and not any(may_connect(one, self._networks, plain=plain) for one in addresses):
                why = "is plain http" if plain else "is at a private or special address"
                refused.append(FieldError(f"/servers/{at}/url", f"{why}, outside the networks in BUS_AGENCY_NETWORKS"))
        return refused

    async def _find_addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                return await self._lookup(host)
        except TimeoutError:
            return []

    async def _check_settings(self, document: AdapterDocument) -> None:
        given = self._settings.get(document.adapter, {})
        # Without settings the adapter is off until the operator gives them. The owner's name is no setting of the agency.
        if not given.keys() - {"owner"}:
            return
        try:
            _, adapter = DeclaredFactory(document, Surroundings(self._networks)).make(given)
        except SettingsWrong as wrong:
            raise AdapterSettingsUnfit(
                f"{document.adapter} {document.version} does not fit the operator's settings. Give them, then restart the bus."
                f" {wrong.detail}"
            ) from None
        await adapter.close()


def list_broken(draft: Draft, naming: Sequence[Contract]) -> Judgement:
    """What contracts in force would lose, without a check of the document's examples.

    Args:
        naming: the versions in force that name an operation of the adapter.
    """
    broken = find_broken(draft.document, naming)
    serves_persons = any(one.classification.is_about_persons for one in naming)
    return Judgement(b"[]", (), tuple(FieldError(one.pointer, one.message) for one in broken), serves_persons)


def _list_contracts(document: AdapterDocument) -> list[str]:
    """The contracts that the operations name, each once."""
    named = [[one.contract] if isinstance(one, Poll | Push) else one.contracts for one in document.operations]
    return list(dict.fromkeys(name for names in named for name in names))


def _list_errors(findings: Sequence[Mapping[str, str]]) -> tuple[FieldError, ...]:
    return tuple(FieldError(one["pointer"], one["message"]) for one in findings)
