"""Pushes: takes what an agency sends to the bus, and publishes it through the gate as a poll's rows.

Promise: `take` returns after the commit. A push that comes again changes nothing. A row that the gate refuses is set aside, and
the agency learns that the push is refused.
"""

import asyncio
from collections import defaultdict
from typing import Final

from bus.agencies.changes import find_changes, is_storable
from bus.agencies.memory import Counted, PollState, read_counted, read_state
from bus.agencies.poller import TooManySetAside
from bus.agencies.publication import Found, Publication, Run
from bus.agencies.registry import AdapterOff, Agencies
from bus.agencies.round import Round
from bus.agencies.run import make_run
from bus.contracts import ContractSaysLess, NoSuchContract, NotBound
from bus.heavy import Heavy
from bus.identity import LoginPolicy, Principal, WrongLogins
from bus.journal import Appender, Gate
from bus.kit import (
    MOST_ROWS,
    AgencyFault,
    Does,
    Operation,
    Push,
    PushAnswer,
    PushRequest,
    PushUnreadable,
    Rows,
    Verdict,
)
from bus.limits import Rate
from bus.problem import NotFound, Unavailable
from bus.refusals import MOST_SET_ASIDE, Attempt, Poll, Recorder, find_attempts
from bus.storage import Storage

_SECONDS: Final = 30.0


class NoSuchPush(NotFound):
    """No agency pushes to this path; compare the agency's and the operation's name."""

    slug = "no-such-push"


class PushWaits(Unavailable):
    """The bus cannot take the push at the moment; send it again later."""

    slug = "push-waits"


class Pushes:
    """Takes the pushes of every agency. Belongs to one event loop.

    Args:
        wrong: how many wrong proofs may come from one address.
    """

    def __init__(
        self,
        storage: Storage,
        agencies: Agencies,
        gate: Gate,
        recorder: Recorder,
        appender: Appender,
        heavy: Heavy,
        wrong: Rate,
    ) -> None:
        self._storage = storage
        self._agencies = agencies
        self._catalogue = gate.catalogue
        self._publication = Publication(storage, gate, recorder, appender, heavy)
        # By address alone: whoever names an agency must not lock it out from elsewhere.
        self._wrong = WrongLogins(LoginPolicy(wrong, wrong, wrong))
        self._turns: defaultdict[Poll, asyncio.Lock] = defaultdict(asyncio.Lock)

    def verify(self, adapter: str, name: str, request: PushRequest, address: str) -> bool | None:
        """Whether the agency sent a request. None: the proof covers the body, which is not read yet.

        Args:
            address: where the request comes from.

        Raises:
            NoSuchPush: no adapter has such a push.
            AdapterOff: the adapter does not serve.
            LoginsLimited: too many wrong proofs came from the address.
        """
        agency, _ = self._find(adapter, name)
        self._wrong.check("", address)
        is_right = agency.verify(name, request)
        if is_right is False:
            self._wrong.note_failure("", address)
        return is_right

    def find_principal(self, adapter: str) -> Principal:
        """Who publishes what an adapter takes. Raises AdapterOff if the adapter serves no more."""
        return Principal(self._agencies.find_participant(adapter), f"adapter:{adapter}", frozenset(), 0.0, "")

    def answer(self, adapter: str, name: str, verdict: Verdict) -> PushAnswer | None:
        """What the agency expects as an answer; None: it has no form of its own.

        Raises:
            NoSuchPush, AdapterOff: as `verify`.
        """
        return self._find(adapter, name)[0].answer(name, verdict)

    async def take(self, adapter: str, name: str, request: PushRequest) -> Verdict:
        """Publish the rows of a request that the agency sent. The call returns after the commit.

        Raises:
            AgencyPaused, NoSuchPush, AdapterOff, PushWaits, TooManySetAside: the agency sends it again later.
            StorageFull, Unavailable, TooMuchAtOnce: as well.
        """
        agency, operation = self._find(adapter, name)
        run = self._make_run(adapter, operation)
        try:
            async with asyncio.timeout(_SECONDS):
                rows = await agency.receive(name, request)
        except PushUnreadable:
            return Verdict.REFUSED
        except (AgencyFault, TimeoutError):
            raise PushWaits("The mapping of the push found no worker in time.") from None
        if not 0 < len(rows.rows) <= MOST_ROWS:
            # Whoever pushes has something to say. An answer of success would say that the bus keeps it.
            return Verdict.REFUSED
        async with self._turns[run.poll]:
            return await self._publish(run, rows)

    def _find(self, adapter: str, name: str) -> tuple[Push, Operation]:
        if self._agencies.find_operation(adapter, name, Does.PUSH) is not None:
            return self._agencies.find_push(adapter, name)
        if self._agencies.is_known(adapter) and not self._agencies.is_serving(adapter):
            # Strangers read this: it names no setting.
            raise AdapterOff("This bus does not serve the agency now; its operator knows why.")
        raise NoSuchPush("No agency pushes here.")

    def _make_run(self, adapter: str, operation: Operation) -> Run:
        try:
            return make_run(self._catalogue, self._agencies, adapter, operation, Round())
        except (NoSuchContract, NotBound, ContractSaysLess) as refusal:
            raise PushWaits(f"No contract in force takes the push. {refusal.detail}") from None

    async def _publish(self, run: Run, rows: Rows) -> Verdict:
        state, attempts, known = await asyncio.to_thread(self._read, run.poll, rows)
        if len(attempts) >= MOST_SET_ASIDE:
            raise TooManySetAside(f"The push {run.operation.name} has set {len(attempts)} rows aside.")
        taken = {key: one.digest for key, one in known.items()}

        def number(key: str) -> int | str:
            # Processes that take the same push at once find the same number, so one event comes of it.
            return rows.moment or known.get(key, Counted()).changes + 1

        changes = find_changes(rows, taken, run.operation.contract or "", number, {})
        bad = {change.key for change in changes.changed if change.fault is not None}
        settled = [(rows.source, key) for key in changes.same if key not in bad]
        found = Found(changes.changed, attempts, settled, unchanged=len(changes.same))
        refused = await self._publication.publish(run, found, state, None)
        return Verdict.REFUSED if refused else Verdict.ACCEPTED

    def _read(self, poll: Poll, rows: Rows) -> tuple[PollState, dict[tuple[str, str], Attempt], dict[str, Counted]]:
        keys = {row.key for row in rows.rows if is_storable(row.key)}
        with self._storage.read() as transaction:
            state, attempts = read_state(transaction, poll), find_attempts(transaction, poll)
            return state, attempts, read_counted(transaction, poll, rows.source, keys)
