"""Some of the subscriptions: those that a relay or a worker serves."""

from collections.abc import Callable, Sequence

from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions


class ChosenSubscriptions:
    """Some of the subscriptions, chosen anew only after one of them, or what `wants` looks at, has changed.

    Args:
        wants: chooses.
        looks_at: gives an object that is another one after each change of what `wants` looks at besides the subscription.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        wants: Callable[[Subscription], bool],
        looks_at: Callable[[], object] = lambda: None,
    ) -> None:
        self._subscriptions = subscriptions
        self._wants = wants
        self._looks_at = looks_at
        self._of: tuple[Sequence[Subscription], object] = ((), None)
        self._chosen: Sequence[Subscription] = ()

    def __call__(self) -> Sequence[Subscription]:
        """Those that are wanted; the same object until something changes."""
        every, seen = self._subscriptions.all(), self._looks_at()
        if every is not self._of[0] or seen is not self._of[1]:
            self._chosen = [one for one in every if self._wants(one)]
            self._of = every, seen
        return self._chosen
