"""Wrong logins: how many of them a client, an address, or a client from an address may make before it has to wait.

A client that logs in with a right secret, or with its own signature, is not asked: neither can be guessed, so that nobody is
locked out by what others do with its id. All else is judged only while its client and address have not failed too often; a
client that lately proved itself from an address is held to what failed from that address with its own id alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from bus.household import name_household
from bus.limits import Bucket, Limited, Rate

_REMEMBERED: Final = 10_000
"""Buckets of each kind, and proofs, that are kept; the least used go first. All of them take some megabytes."""
_PROOF_SECONDS: Final = 86_400.0
_NAME: Final = "wrong_logins"


class LoginsLimited(Limited):
    """Too many logins failed; wait, and check the client's id and its secret or key."""

    slug = "logins-limited"


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How many logins may fail.

    Attributes:
        pair: of one client from one address.
        client: of one client.
        address: from one address.
    """

    pair: Rate
    client: Rate
    address: Rate


class WrongLogins:
    """Counts what failed. Belongs to one event loop."""

    def __init__(self, policy: LoginPolicy, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._pairs = _Buckets(policy.pair)
        self._clients = _Buckets(policy.client)
        self._addresses = _Buckets(policy.address)
        self._proofs: OrderedDict[bytes, float] = OrderedDict()

    def check(self, client_id: str, address: str) -> None:
        """Let an attempt be judged.

        Raises:
            LoginsLimited: too many like it failed.
        """
        now = self._now()
        buckets = self._find_buckets(client_id, address, now)
        if client_id and self._has_proved_lately(client_id, address, now):
            buckets = buckets[:1]
        for bucket in buckets:
            if bucket.refill(now) < 1:
                raise LoginsLimited(
                    _NAME,
                    "Too many logins failed; wait, and check the client's id and its proof.",
                    bucket.compute_wait(now),
                )

    def note_failure(self, client_id: str, address: str) -> None:
        """Count an attempt that failed."""
        for bucket in self._find_buckets(client_id, address, self._now()):
            bucket.charge(1)

    def forgive(self, client_id: str, address: str) -> None:
        """An attempt that was counted as failed did not fail."""
        for bucket in self._find_buckets(client_id, address, self._now()):
            bucket.give_back(1)

    def note_proof(self, client_id: str, address: str) -> None:
        """Remember that a client proved itself from an address."""
        key = _make_pair_key(client_id, address)
        self._proofs[key] = self._now()
        self._proofs.move_to_end(key)
        if len(self._proofs) > _REMEMBERED:
            self._proofs.popitem(last=False)

    def _find_buckets(self, client_id: str, address: str, now: float) -> list[Bucket]:
        """The buckets of an attempt, that of its client and address first; of one that names no client, the address's."""
        of_address = self._addresses.get(_make_key(name_household(address)), now)
        if not client_id:
            return [of_address]
        return [
            self._pairs.get(_make_pair_key(client_id, address), now),
            self._clients.get(_make_key(client_id), now),
            of_address,
        ]

    def _has_proved_lately(self, client_id: str, address: str, now: float) -> bool:
        at = self._proofs.get(_make_pair_key(client_id, address))
        return at is not None and now - at < _PROOF_SECONDS


class _Buckets:
    """Buckets of one rate by key, the least used forgotten first."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def get(self, key: bytes, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(_NAME, self._rate, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


def _make_pair_key(client_id: str, address: str) -> bytes:
    return _make_key(f"{name_household(address)}\0{client_id}")


def _make_key(text: str) -> bytes:
    # Whoever tries chooses the text: a digest bounds what is kept of it.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
