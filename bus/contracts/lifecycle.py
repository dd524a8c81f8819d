"""The life of a contract version: its states and the steps between them, all in one table."""

from enum import Enum

from bus.contracts.errors import TransitionRefused


class State(Enum):
    """Where a contract version is in its life."""

    DRAFT = "draft"
    """Free to change; nobody can publish under it."""
    PROPOSED = "proposed"
    """Waits for the owner."""
    ACTIVE = "active"
    """Takes events; its document never changes again."""
    DEPRECATED = "deprecated"
    """Still takes events; a successor is there."""
    RETIRED = "retired"
    """Takes no event. Its events in the journal stay readable, under the grants of the newest active version."""


TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    {
        (State.DRAFT, State.PROPOSED),
        (State.DRAFT, State.ACTIVE),
        (State.PROPOSED, State.DRAFT),
        (State.PROPOSED, State.ACTIVE),
        (State.ACTIVE, State.DEPRECATED),
        (State.ACTIVE, State.RETIRED),
        (State.DEPRECATED, State.RETIRED),
    }
)

FREE_TO_CHANGE = frozenset({State.DRAFT, State.PROPOSED})
"""The states in which a version's document may be replaced. No step leads back to them."""

IN_FORCE = frozenset({State.ACTIVE, State.DEPRECATED})
"""The states in which a version takes events and its grants hold."""


def check_step(present: State, wanted: State) -> None:
    """Refuse a step that the table of steps does not hold.

    Raises:
        TransitionRefused: names both states.
    """
    if (present, wanted) not in TRANSITIONS:
        raise TransitionRefused(f"The version is {present.value} and cannot become {wanted.value}.")
