"""The requests for access in the database: asking, deciding, and the draft of the grant that an owner accepts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bus import json
from bus.actions import Actor
from bus.contracts import access_request, register
from bus.contracts.access_request import AccessRequest, AccessState, Wish
from bus.contracts.document import Contract
from bus.contracts.errors import AccessAskedAlready, ChangedMeanwhile
from bus.contracts.lifecycle import IN_FORCE
from bus.contracts.register import Tags
from bus.contracts.registered import RegisteredVersion, find_version, read_versions, version_order
from bus.storage import RowConflict, Storage, Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A contract document with a grant that somebody asked for.

    Attributes:
        document: JSON.
        tags: of the draft that it replaces; None: it is a new version.
    """

    document: bytes
    tags: Tags


class AccessRequests:
    """Reads and changes the requests for access. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, change: Callable[[Callable[[Transaction], Any]], Any]) -> None:
        """Create it.

        Args:
            change: runs a change of the register in a transaction, and has the catalogue follow.
        """
        self._storage = storage
        self._change = change

    def ask(self, wish: Wish, contract: Contract, by: Actor) -> AccessRequest:
        """Ask for access.

        Raises:
            AccessAskedAlready: a request of the participant for the contract waits.
            AccessInvalid, NoSuchContract: see `access_request.ask`.
        """
        try:
            with self._storage.write() as transaction:
                return access_request.ask(transaction, wish, contract, by)
        except RowConflict:
            raise AccessAskedAlready(
                f"{wish.participant} asked for access to {wish.contract} before, and the owner has not decided yet."
                " Withdraw that request to ask for something else."
            ) from None

    def get(self, id: str, concerning: str | None = None) -> AccessRequest:
        """One request. Raises what `access_request.find` raises."""
        with self._storage.read() as transaction:
            return access_request.find(transaction, id, concerning)

    def list_page(
        self, limit: int, before: int = 0, concerning: str | None = None, state: AccessState | None = None
    ) -> list[AccessRequest]:
        """Requests, newest first; see `access_request.read_page`."""
        with self._storage.read() as transaction:
            return access_request.read_page(transaction, limit, before, concerning, state)

    def sketch(self, id: str, by: Actor) -> Sketch:
        """The contract document that has the grant which a request asks for.

        The highest version counts, if it is a draft or a proposal. Otherwise the document is the next minor version of the
        newest version in force. So requests that are accepted one after the other come together in one draft.

        Raises:
            NoSuchAccessRequest, AccessDecided, NotOwner, NoSuchContract: see there.
        """
        with self._storage.read() as transaction:
            request = access_request.find_waiting(transaction, id, by.reach)
            register.check_steward(transaction, request.wish.contract, by)
            versions = read_versions(transaction, request.wish.contract)
        return _sketch(versions, request.wish)

    def accept(self, id: str, drafted: Contract, tags: Tags, by: Actor) -> RegisteredVersion:
        """Register a draft that has the grant, and record that the request is accepted.

        Args:
            drafted: the document of `sketch`, checked as any contract document.
            tags: those of `sketch`.

        Raises:
            ChangedMeanwhile, VersionChanged: the contract changed since `sketch`.
            NoSuchAccessRequest, AccessDecided, NotOwner, NoSuchContract: see there.
        """

        def carry_out(transaction: Transaction) -> RegisteredVersion:
            request = access_request.find_waiting(transaction, id, by.reach)
            register.check_steward(transaction, request.wish.contract, by)
            if tags is None and find_version(transaction, drafted.name, drafted.version) is not None:
                raise ChangedMeanwhile(f"{drafted.name} {drafted.version} was registered a moment ago; accept again.")
            made = register.put_draft(transaction, drafted, by, tags)
            access_request.accept(transaction, request, made.version, by)
            return made

        made: RegisteredVersion = self._change(carry_out)
        return made

    def refuse(self, id: str, reason: str, by: Actor) -> AccessRequest:
        """Refuse a request. Raises what `access_request.refuse` raises, and `NotOwner`."""
        with self._storage.write() as transaction:
            request = access_request.find_waiting(transaction, id, by.reach)
            register.check_steward(transaction, request.wish.contract, by)
            access_request.refuse(transaction, request, reason, by)
            return access_request.find(transaction, id)

    def withdraw(self, id: str, by: Actor) -> AccessRequest:
        """Take a request back. Raises what `access_request.withdraw` raises."""
        with self._storage.write() as transaction:
            request = access_request.find_waiting(transaction, id, by.reach)
            access_request.withdraw(transaction, request, by)
            return access_request.find(transaction, id)


def _sketch(versions: list[RegisteredVersion], wish: Wish) -> Sketch:
    basis = [one for one in versions if one.state in IN_FORCE] or versions
    highest, newest = versions[-1], basis[-1]
    if highest.is_free and highest.contract.owner == newest.contract.owner:
        return Sketch(_grant(highest.contract.document, highest.version, wish), frozenset({highest.tag}))
    return Sketch(_grant(newest.contract.document, _raise_minor(highest.version), wish), None)


def _grant(document: dict[str, Any], version: str, wish: Wish) -> bytes:
    consumers = document.get("consumers", [])
    present = next((one for one in consumers if one["participant"] == wish.participant), None)
    # Masks and rows stay: the wish names neither, and must not show more than the owner agreed to before.
    kept = {name: present[name] for name in ("mask", "rows") if present and name in present}
    grant = wish.make_grant() | kept
    others = [one for one in consumers if one is not present]
    return json.dumps(document | {"version": version, "consumers": [*others, grant]})


def _raise_minor(version: str) -> str:
    major, minor, _ = version_order(version)
    return f"{major}.{minor + 1}.0"
