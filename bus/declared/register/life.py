"""The life of an adapter's version: the states of contract versions, and one step more, the way back."""

from typing import Final

from bus.contracts import State
from bus.declared.register.errors import AdapterTransition

TRANSITIONS: Final = frozenset(
    {
        (State.DRAFT, State.PROPOSED),
        (State.DRAFT, State.ACTIVE),
        (State.PROPOSED, State.DRAFT),
        (State.PROPOSED, State.ACTIVE),
        (State.ACTIVE, State.DEPRECATED),
        (State.ACTIVE, State.RETIRED),
        (State.DEPRECATED, State.ACTIVE),
        (State.DEPRECATED, State.RETIRED),
    }
)
"""An active version becomes deprecated when another version is activated. A deprecated version does not serve, and can be
activated again: that is the roll-back."""

FREE_TO_CHANGE: Final = frozenset({State.DRAFT, State.PROPOSED})
"""The states in which a version's document may be replaced. No step leads back to them."""


def check_step(present: State, wanted: State) -> None:
    """Refuse a step that the table of steps does not hold.

    Raises:
        AdapterTransition: names both states.
    """
    if (present, wanted) not in TRANSITIONS:
        raise AdapterTransition(f"The version is {present.value} and cannot become {wanted.value}.")
