"""Strangers: requests without a verified token. Each household may send them one by one, at a rate.

A login with the right secret of a client does not count as a stranger's. It is judged in memory, and does not wait.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bus.household import name_household, parse_address
from bus.http.front_door.acquaintances import Acquaintances
from bus.http.front_door.clients import is_within
from bus.http.front_door.exchange import App, Exchange
from bus.http.front_door.request import Request
from bus.http.publish import Scope
from bus.limits import Bucket, Limited, Rate
from bus.networks import Network

_NAME: Final = "anonymous"
_HOUSEHOLDS: Final = 10_000
"""Buckets that are kept. The least used are dropped first."""
_PACE: Final = 0.004
"""Seconds between two requests of a household. Otherwise they would fill whole turns of the event loop."""
_PACE_OF_ALL: Final = 0.002
"""Seconds between two requests of all households together: a flood may come from many addresses."""
_PACES: Final = {"": 0.001, "garbage": 0.001, "tokens": 0.002}
"""Seconds between two requests of one kind, from households that need not wait: thousands of new households may come. It is
about twice the time that a request takes of the event loop."""
_LONGEST_WAIT: Final = 2.0
_LONGEST_WAIT_OF_GARBAGE: Final = 1.0
_WATCHED: Final = frozenset({"/healthz", "/readyz"})
_COSTS: Final = {"/metrics": 10, "/openapi.json": 5}
"""Paths whose answers cost more than a short one, and how many times as much."""
_LOGINS: Final = frozenset({"/oauth/token", "/oauth/revoke", "/oauth/introspect"})
_LONGEST_LOGIN: Final = 4096
"""Bytes of the longest form that is judged before its turn. A form with a secret has some hundred bytes."""


class StrangersLimited(Limited):
    """Too many requests without a known access token come from your address; send fewer, or with a token."""

    slug = "anonymous-limited"


@dataclass(slots=True)
class _Household:
    bucket: Bucket
    next_at: float = 0.0
    counted_at: int = -1


class _Active:
    """Counts the households that sent requests in this second and in the one before."""

    __slots__ = ("_before", "_count", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._count = self._before = 0

    def count(self, home: _Household, now: float) -> int:
        """Count a household. Returns the larger of the two numbers."""
        second = int(now)
        if second != self._second:
            self._before = self._count if second == self._second + 1 else 0
            self._second, self._count = second, 0
        if home.counted_at != second:
            home.counted_at = second
            self._count += 1
        return max(self._count, self._before)


class Strangers:
    """Gives requests without a known token their turn. Belongs to one event loop."""

    def __init__(self, rate: Rate, operators: Sequence[Network], acquaintances: Acquaintances) -> None:
        self._rate = rate
        self._operators = operators
        self._acquaintances = acquaintances
        self._next_at = dict.fromkeys(_PACES, 0.0)
        self._households: OrderedDict[str, _Household] = OrderedDict()
        self._active = _Active()

    async def answer(self, exchange: Exchange, request: Request, app: App, scope: Scope) -> None:
        """Have a request answered. A stranger's request waits for its turn."""
        is_known = self.knows(request)
        if not is_known and _may_be_login(request):
            form = await exchange.whole_body()
            if form is None:
                return
            is_known = self._acquaintances.recognise(request.fields, form)
            if is_known:
                exchange.become_known()
        wait = 0.0 if is_known else self._wait(request, scope["client"][0])
        if wait > _LONGEST_WAIT:
            # The refusal is late on purpose: a client that asks again at once would take the others' time.
            await asyncio.sleep(_LONGEST_WAIT)
            exchange.fail(StrangersLimited(_NAME, "Too many requests without a token come from your address.", wait))
            return
        if wait:
            await asyncio.sleep(wait)
        await exchange.run(app, scope)

    def knows(self, request: Request) -> bool:
        """Whether a request shows a token that was verified before, or the cookie of a session that was found before."""
        authorization = next((value for name, value in request.fields if name == b"authorization"), b"")
        if authorization and self._acquaintances.find_sender(authorization) is not None:
            return True
        cookies = [value for name, value in request.fields if name == b"cookie"]
        return bool(cookies) and self._acquaintances.knows_member(cookies)

    def wait_of_garbage(self, client: str) -> float:
        """Seconds before the bus refuses data that are no request: new connections with garbage cost time too."""
        return min(self._turn(client, "garbage", 1), _LONGEST_WAIT_OF_GARBAGE)

    def _wait(self, request: Request, client: str) -> float:
        """Seconds until a request has its turn. If they are more than the longest wait, it has none."""
        if request.path in _WATCHED and self._is_operator(client):
            return 0.0
        # A request for a token waits only behind other requests for tokens.
        kind = "tokens" if request.path.startswith("/oauth/") else ""
        return self._turn(client, kind, _COSTS.get(request.path, 1))

    def _turn(self, client: str, kind: str, cost: int) -> float:
        """Seconds until a household has its turn. It takes the turn unless they are more than the longest wait."""
        now = time.monotonic()
        home = self._of(f"{name_household(client)} {kind}", now)
        own = max(home.bucket.compute_wait(now), home.next_at - now)
        # A household that waits for its own pace takes no turn of the others.
        wait = own if own > 0 else max(0.0, self._next_at[kind] - now)
        if wait <= _LONGEST_WAIT:
            home.bucket.charge(cost)
            if own <= 0:
                self._next_at[kind] = now + wait + _PACES[kind] * cost
            pace = max(_PACE, _PACE_OF_ALL * self._active.count(home, now))
            home.next_at = max(home.next_at, now + wait) + pace
        return wait

    def _of(self, key: str, now: float) -> _Household:
        home = self._households.get(key)
        if home is None:
            home = self._households[key] = _Household(Bucket(_NAME, self._rate, now))
            if len(self._households) > _HOUSEHOLDS:
                self._households.popitem(last=False)
        else:
            self._households.move_to_end(key)
        return home

    def _is_operator(self, client: str) -> bool:
        address = parse_address(client)
        return address is not None and is_within(address, self._operators)


def _may_be_login(request: Request) -> bool:
    is_short = request.length is not None and request.length <= _LONGEST_LOGIN
    return is_short and request.method == "POST" and request.path in _LOGINS
