"""The limits at work in one process: an allowance for each participant, made when it first does something."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bus.limits.errors import AtOnce, Crowded, Full, make_limited
from bus.limits.policy import RATES, Limit, Policy
from bus.limits.rate import Bucket
from bus.limits.register import LimitRegister, Own
from bus.limits.share import Share
from bus.limits.turns import Turns
from bus.telemetry import WAITING_READERS

_WAITING: Final = 16
"""Requests that wait for each one that has a turn."""
_SOON: Final = 5.0
"""Seconds after which some of what was too much at once is likely to have ended."""
_ALL_READERS: Final = "all_waiting_readers"
"""What metrics and refusals call the bound on the waiting readers of all participants."""
_USUAL_READERS: Final = 5000
"""Waiting readers of all participants, where no setting says otherwise."""
_NEVER: Final = 3600.0
"""Seconds until it is worth asking again for what does not end by itself."""


class Allowance:
    """What one participant may do in this process, and how much of it is left.

    Attributes:
        publish: the bucket of published events, at hand for the hot path.
        clients: the buckets of its clients' tokens.
        waiting_readers: its long-polls and streams that are open.
        all_readers: those of every participant, of which this one has a share.
        adding: to be held while something that is stored is counted and one more added.
    """

    __slots__ = (
        "_participant",
        "adding",
        "all_readers",
        "buckets",
        "clients",
        "policy",
        "publish",
        "questions",
        "requests",
        "waiting_readers",
    )

    def __init__(self, participant: str, policy: Policy, now: float, all_readers: Share) -> None:
        self._participant = participant
        self.all_readers = all_readers
        self.waiting_readers = 0
        self.policy = policy
        self.buckets = {limit: Bucket(limit, policy.get_rate(limit), now) for limit in RATES}
        self.publish = self.buckets[Limit.PUBLISH]
        self.clients: dict[str, Bucket] = {}
        self.adding = asyncio.Lock()
        self.requests = Turns(policy.requests)
        self.questions = Turns(policy.questions)

    def check(self, bucket: Bucket, now: float) -> None:
        """Let a request pass while anything is left in a bucket of this participant.

        Raises:
            Limited: nothing is left.
        """
        if bucket.refill(now) < 1:
            raise make_limited(bucket, now, self._participant)

    def get_client_bucket(self, client_id: str, now: float) -> Bucket:
        """The bucket of one client's tokens."""
        bucket = self.clients.get(client_id)
        if bucket is None:
            bucket = self.clients[client_id] = Bucket(
                Limit.CLIENT_TOKENS, self.policy.get_rate(Limit.CLIENT_TOKENS), now
            )
        return bucket

    async def wait_for_turn(self, turns: Turns, limit: Limit) -> None:
        """Wait for a turn; give it back with `turns.give_back()`.

        Raises:
            AtOnce: too many wait already.
        """
        if turns.waiting >= turns.at_once * _WAITING:
            detail = f"{turns.at_once} are worked on at once and {turns.waiting} wait; send fewer at the same time."
            raise AtOnce(limit, detail, _SOON, self._participant)
        await turns.take()

    def begin_waiting(self) -> None:
        """Count one long-poll or stream more; each ends with `end_of_waiting`.

        Raises:
            AtOnce: as many as it may have are open.
            Crowded: of the places for every participant, too few are free for it to have another.
        """
        most = self.policy.waiting_readers
        if self.waiting_readers >= most:
            detail = f"{most} long-polls and streams are open; close some, or ask the operator for more."
            raise AtOnce(Limit.WAITING_READERS, detail, _SOON, self._participant)
        if not self.all_readers.admits(self._participant):
            taken = self.all_readers.places_taken
            detail = (
                f"{taken} long-polls and streams of all participants are open, {self.waiting_readers} of them yours."
            )
            raise Crowded(_ALL_READERS, detail, _SOON, self._participant)
        self.all_readers.take(self._participant)
        WAITING_READERS.inc()
        self.waiting_readers += 1

    def end_waiting(self) -> None:
        """Count one long-poll or stream less."""
        self.all_readers.give(self._participant)
        WAITING_READERS.dec()
        self.waiting_readers -= 1

    def check_number(self, limit: Limit, number: int) -> None:
        """Refuse one more of something that is stored when there are `number` of it already.

        Raises:
            Full: that is as many as it may have.
        """
        most = self.policy.get_number(limit)
        if number >= most:
            detail = f"{self._participant} has {number} of at most {most} {limit.replace('_', ' ')}."
            raise Full(limit, detail, _NEVER, self._participant)

    def change(self, policy: Policy, now: float) -> None:
        """Take another policy."""
        self.policy = policy
        for limit, bucket in self.buckets.items():
            bucket.change(policy.get_rate(limit), now)
        for bucket in list(self.clients.values()):
            bucket.change(policy.client_tokens, now)
        self.requests.at_once = policy.requests
        self.questions.at_once = policy.questions


class Limits:
    """The allowances of every participant in this process.

    `refresh` belongs in a thread, all else to the event loop.
    """

    def __init__(
        self,
        register: LimitRegister,
        now: Callable[[], float] = time.monotonic,
        waiting_readers: int = _USUAL_READERS,
    ) -> None:
        """`waiting_readers` bounds the long-polls and streams of all participants together."""
        self._all_readers = Share(waiting_readers)
        self.register = register
        self.now = now
        self._own: dict[str, Own] = {}
        self._allowances: dict[str, Allowance] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read own limits again; what was spent stays spent."""
        before, self._own = self._own, self.register.read_all()
        for participant, allowance in list(self._allowances.items()):
            if self._own.get(participant) != before.get(participant):
                allowance.change(self._make_policy(participant), self.now())

    def get(self, participant: str) -> Allowance:
        """The allowance of a participant, which proved who it is: nobody else may make one."""
        allowance = self._allowances.get(participant)
        if allowance is None:
            policy, now = self._make_policy(participant), self.now()
            allowance = self._allowances[participant] = Allowance(participant, policy, now, self._all_readers)
        return allowance

    def list_known(self) -> list[tuple[str, Allowance]]:
        """Every participant that did something in this process."""
        return list(self._allowances.items())

    def take(self, participant: str, limit: Limit, units: int = 1) -> Bucket:
        """Charge a request to a rate.

        Raises:
            Limited: nothing is left.
        """
        allowance = self.get(participant)
        bucket = allowance.buckets[limit]
        allowance.check(bucket, self.now())
        bucket.charge(units)
        return bucket

    def take_token(self, participant: str, client_id: str, units: int = 1) -> Bucket:
        """Charge access tokens to their client and to its participant.

        Raises:
            Limited: nothing is left to one of them.
        """
        now = self.now()
        allowance = self.get(participant)
        buckets = (allowance.get_client_bucket(client_id, now), allowance.buckets[Limit.TOKENS])
        for bucket in buckets:
            allowance.check(bucket, now)
        for bucket in buckets:
            bucket.charge(units)
        return buckets[0]

    def _make_policy(self, participant: str) -> Policy:
        return self.register.defaults.with_own(self._own.get(participant, {}))
