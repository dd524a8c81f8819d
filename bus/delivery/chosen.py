"""Some of the subscriptions: those that a relay or a worker serves."""

from collections.abc import Callable, Sequence

from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions


class Chosen:
    """Some of the subscriptions, chosen anew only after one of them has changed."""

    def __init__(self, subscriptions: Subscriptions, wants: Callable[[Subscription], bool]) -> None:
        self._subscriptions = subscriptions
        self._wants = wants
        self._of: Sequence[Subscription] = ()
        self._chosen: Sequence[Subscription] = ()

    def __call__(self) -> Sequence[Subscription]:
        """Those that are wanted; the same object until one of all subscriptions changes."""
        every = self._subscriptions.all()
        if every is not self._of:
            self._chosen = [one for one in every if self._wants(one)]
            self._of = every
        return self._chosen
